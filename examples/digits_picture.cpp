#include "digits_picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

namespace digits {
namespace {

/// Images of 8x8 in rows and columns, as one matrix; the gaps between them are 0, which both palettes show as white.
class Sheet {
 public:
  Sheet(std::size_t columns, std::size_t rows, std::size_t gap)
      : step_(side + gap),
        height_(rows * step_ - gap),
        width_(columns * step_ - gap),
        columns_(columns),
        values_(height_ * width_, 0) {}

  double width() const { return static_cast<double>(width_); }
  double height() const { return static_cast<double>(height_); }
  double middle(std::size_t image) const { return static_cast<double>(image % columns_ * step_) + 3.5; }
  double bottom(std::size_t image) const { return static_cast<double>(image / columns_ * step_) + 7.5; }

  void put(std::size_t image, const double* pixel) {
    put_.push_back(image);
    double* to = values_.data() + image / columns_ * step_ * width_ + image % columns_ * step_;
    for (std::size_t i = 0; i < side; ++i, pixel += side, to += width_) std::copy_n(pixel, side, to);
  }
  void write(std::ostream& gp, const char* name) const {
    gp << '$' << name << " << end\n";
    for (std::size_t i = 0; i < values_.size(); ++i) gp << values_[i] << ((i + 1) % width_ == 0 ? '\n' : ' ');
    gp << "end\n";
  }
  void write_outlines(std::ostream& gp) const {
    for (const std::size_t image : put_)
      gp << "set object rectangle center " << middle(image) << ',' << bottom(image) - 4
         << " size 8,8 front fillstyle empty border lc rgb '#bbbbbb'\n";
  }

 private:
  std::size_t step_, height_, width_, columns_;
  std::vector<double> values_;
  std::vector<std::size_t> put_;
};

void label(std::ostream& gp, const std::string& text, double x, double y) {
  gp << "set label \"" << text << "\" at " << x << ',' << y << " center front\n";
}

/// Where on the canvas the next part goes: its corners, in parts of width and height.
void place(std::ostream& gp, double left, double bottom, double right, double top) {
  gp << "set lmargin at screen " << left << "; set bmargin at screen " << bottom << "; set rmargin at screen " << right
     << "; set tmargin at screen " << top << "\n";
}

/// Axes for a sheet: unseen, with square pixels, and room for labels above and below.
void axes(std::ostream& gp, const Sheet& sheet, double above, double below) {
  sheet.write_outlines(gp);
  gp << "unset border; unset tics; unset key; set size ratio -1\n"
     << "set xrange [-0.5:" << sheet.width() - 0.5 << "]\n"
     << "set yrange [" << sheet.height() - 0.5 + below << ":" << -0.5 - above << "]\n";
}

// --- the three parts: their data, and the commands that draw them ---------------------------------------------------

constexpr const char* loss_commands = R"gp(
unset label; set size noratio
set title "{/:Bold Loss while learning}\nlogarithmic scale"
set xlabel "epoch"; set ylabel "cross entropy (nats per digit)" offset -0.5
set border 3; set tics nomirror; set grid lc rgb "#dddddd" lt 1; set format y "%g"
set logscale y; set xrange [0:*]; set yrange [*:*]; set ytics add (0.02, 0.05, 0.2, 0.5)
set key top right
plot $loss using 1:3 with lines lw 2.5 dt (10,5) lc rgb "#d55e00" title "held-out digits", \
     $loss using 1:2 with lines lw 2.5 lc rgb "#0072b2" title "digits it learns from"
unset logscale; unset grid; unset xlabel; unset ylabel; unset label
)gp";

void write_loss(std::ostream& gp, const std::vector<Epoch>& history) {
  gp << "$loss << end\n";
  for (std::size_t i = 0; i < history.size(); ++i)
    gp << i + 1 << ' ' << history[i].loss << ' ' << history[i].held_out_loss << '\n';
  gp << "end\n";
}

/// For every digit the hidden units that speak for it loudest: by the weight of their vote and the size of what they
/// answer to.
class Units {
 public:
  static constexpr std::size_t rows = 5, columns = 10;

  Units(const Array<double>& weights, const Array<double>& votes) : sheet_(columns, rows, 2) {
    const std::size_t units = weights.shape()[0];
    for (std::size_t digit = 0; digit < columns; ++digit) {
      std::vector<std::size_t> order(units);
      std::iota(order.begin(), order.end(), std::size_t{0});
      const auto voice = [&](std::size_t unit) {
        const double* const w = weights.storage().data() + unit * pixels;
        return votes(digit, unit) * std::sqrt(std::inner_product(w, w + pixels, w, 0.0));
      };
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return voice(a) > voice(b); });
      for (std::size_t row = 0; row < std::min(rows, units); ++row) {
        const double* const w = weights.storage().data() + order[row] * pixels;
        sheet_.put(row * columns + digit, w);
        for (std::size_t i = 0; i < pixels; ++i) largest_ = std::max(largest_, std::abs(w[i]));
      }
    }
  }
  void write(std::ostream& gp) const { sheet_.write(gp, "units"); }
  void write_commands(std::ostream& gp) const {
    gp << "set title \"{/:Bold What it looks for}\\nthe five hidden units that speak loudest for each digit\"\n";
    place(gp, 0.52, 0.49, 0.91, 0.85);
    axes(gp, sheet_, 5, 0);
    for (std::size_t digit = 0; digit < columns; ++digit)
      label(gp, "{/=15 " + std::to_string(digit) + "}", sheet_.middle(digit), -3);
    gp << "set palette defined (-1 '#2166ac', -0.4 '#92c5de', 0 '#ffffff', 0.4 '#f4a582', 1 '#b2182b')\n"
       << "set cbrange [" << -largest_ << ":" << largest_ << "]\n"
       << "set colorbox user origin screen 0.92,0.49 size screen 0.01,0.326\n"
       << "set cblabel \"weight of the pixel\" offset 0.5; set cbtics format '%.1f'\n"
       << "plot $units matrix with image pixels\n"
       << "unset label; unset object\n";
  }

 private:
  Sheet sheet_;
  double largest_ = 0;
};

/// The digits it got wrong, the first ones if they are many.
class Mistakes {
 public:
  static constexpr std::size_t columns = 12, most = 2 * columns;

  Mistakes(const Digits& d, const Labels& answers) : digits_(d), answers_(answers), sheet_(columns, 1, 5) {
    for (std::size_t i = 0; i < d.y.size(); ++i)
      if (answers(i) != d.y(i)) rows_.push_back(i);
    shown_ = std::min(rows_.size(), most);
    sheet_ = Sheet(std::clamp<std::size_t>(shown_, 6, columns), shown_ > columns ? 2 : 1, 5);
    for (std::size_t k = 0; k < shown_; ++k) sheet_.put(k, d.x.storage().data() + rows_[k] * pixels);
  }
  std::size_t size() const { return rows_.size(); }
  void write(std::ostream& gp) const { sheet_.write(gp, "mistakes"); }
  void write_commands(std::ostream& gp) const {
    gp << "set title \"{/:Bold The "
       << (shown_ < size() ? "first " + std::to_string(shown_) + " that it gets wrong"
                           : std::to_string(shown_) + " that it gets wrong")
       << "}\"\n";
    place(gp, 0.05, 0.03, 0.95, 0.35);
    axes(gp, sheet_, 0, 5);
    for (std::size_t k = 0; k < shown_; ++k)
      label(gp, "a " + std::to_string(digits_.y(rows_[k])) + "\\ntaken for " + std::to_string(answers_(rows_[k])),
            sheet_.middle(k), sheet_.bottom(k) + 1.5);
    gp << "set palette defined (0 '#ffffff', 1 '#111111'); set cbrange [0:1]; unset colorbox\n"
       << "plot $mistakes matrix with image pixels\n"
       << "unset label; unset object\n";
  }

 private:
  const Digits& digits_;
  const Labels& answers_;
  std::vector<std::size_t> rows_;
  std::size_t shown_ = 0;
  Sheet sheet_;
};

std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

bool draw(const Picture& p, const std::string& directory) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  const std::string script = directory + "/digits.gp";
  std::ofstream gp(script);
  const Units units(p.weights, p.votes);
  const Mistakes mistakes(p.held_out, p.answers);
  const std::size_t asked = p.held_out.y.size();

  gp << "# Drawn by: gnuplot digits.gp\n";
  write_loss(gp, p.history);
  units.write(gp);
  mistakes.write(gp);
  gp << "do for [terminal in 'pngcairo svg'] {\n"
     << "if (terminal eq 'pngcairo') { set terminal pngcairo size 1500,880 font 'sans,12'; set output 'digits.png' }\n"
     << "else { set terminal svg size 1500,880 font 'sans,15' background '#ffffff'; set output 'digits.svg' }\n"
     << "set multiplot title \"{/:Bold=18 A net of two layers reads handwritten digits: " << asked - mistakes.size()
     << " of " << asked << " that it has never seen are right}\" offset 0,-0.5\n";
  place(gp, 0.07, 0.49, 0.46, 0.85);
  gp << loss_commands;
  units.write_commands(gp);
  mistakes.write_commands(gp);
  gp << "unset multiplot; unset output; reset\n}\n";
  gp.close();
  if (!gp) throw wengert::FileError(script + ": cannot be written");
  return std::system(("cd " + quoted(directory) + " && command -v gnuplot > /dev/null && gnuplot digits.gp").c_str()) ==
         0;
}

}  // namespace digits
