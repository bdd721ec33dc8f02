// usage: losses_pictures DIRECTORY
//
// Draws the pictures of docs/losses.md, an SVG a loss, with gnuplot: the loss and its gradient, as the library computes
// them, over the margin or whatever the loss is a function of.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <numbers>
#include <string>

#include "autodiff/autodiff.hpp"
#include "losses/losses.hpp"

using namespace wengert;
using namespace wengert::losses;
using V = Variable<double>;
using A = Array<double>;

namespace {

/// The losses of a column of inputs; of the gradient, the entries of that column are drawn.
struct Curve {
  std::string name;
  std::function<V(V)> losses;
};

struct Picture {
  std::string file, over, of;  ///< the axis; what the gradient is taken by
  double from, to;
  std::vector<Curve> curves;
};

constexpr std::size_t points = 401;

/// Scores [x, 0] of two classes: x is the margin by which the first leads.
V against_zero(const V& x) { return concat({reshape(x, {-1, 1}), V(A(Shape{points, 1}, 0.))}, 1); }
Labels all(std::int64_t label) { return Labels(Shape{points}, label); }
V constant(double x) { return A(Shape{points}, x); }
constexpr Reduction each = Reduction::none;

Curve of_classes(const char* name, std::function<V(V, const Labels&)> f, std::int64_t label) {
  return {name, [=](const V& x) { return f(against_zero(x), all(label)); }};
}

std::vector<Picture> pictures() {
  const auto ce = [](V s, const Labels& t) { return softmax_ce(std::move(s), t, {.reduction = each}); };
  const auto focal = [](double gamma) {
    return [=](V s, const Labels& t) { return softmax_focal(std::move(s), t, {.reduction = each, .gamma = gamma}); };
  };
  const auto margin = [](int p) {
    return [=](V s, const Labels& t) { return multi_margin(std::move(s), t, {.reduction = each, .p = p}); };
  };
  const auto bce = [](double t, double weight) {
    return [=](const V& s) { return bce_with_logits(s, constant(t), {.reduction = each, .pos_weight = V(weight)}); };
  };
  const auto binary_focal = [](double t, double gamma) {
    return [=](const V& s) { return sigmoid_focal(s, constant(t), {.reduction = each, .gamma = gamma, .alpha = -1}); };
  };
  const auto point = [](const V& x, double y) { return concat({reshape(x, {-1, 1}), V(A(Shape{points, 1}, y))}, 1); };
  const auto cosine = [](double y) {
    return [=](const V& angle) {
      const V a = concat({reshape(cos(angle), {-1, 1}), reshape(sin(angle), {-1, 1})}, 1);
      A b(Shape{points, 2}, 0.);
      for (std::size_t i = 0; i < points; ++i) b(i, 0) = 1;
      return cosine_embedding(a, b, constant(y), {.reduction = each, .margin = 0.3});
    };
  };
  const char *const lead = "margin s_t - s_k", *const score = "score s", *const d = "d = x - t";
  return {
      {"softmax_ce",
       "score of class 0, that of class 1 is 0",
       "s_0",
       -6,
       6,
       {of_classes("class 0 is positive", ce, 0), of_classes("class 0 is negative", ce, 1)}},
      {"softmax_focal",
       lead,
       "s_t",
       -6,
       6,
       {of_classes("gamma 0: softmax_ce", focal(0), 0), of_classes("gamma 0.5", focal(0.5), 0),
        of_classes("gamma 2", focal(2), 0), of_classes("gamma 5", focal(5), 0)}},
      {"multi_margin", lead, "s_t", -2, 3, {of_classes("p = 1", margin(1), 0), of_classes("p = 2", margin(2), 0)}},
      {"nll",
       "log-probability of the label",
       "s_t",
       -6,
       0,
       {of_classes(
            "positive", [](V s, const Labels& t) { return nll(std::move(s), t, {.reduction = each}); }, 0),
        of_classes(
            "negative", [](V s, const Labels& t) { return nll(std::move(s), t, {.reduction = each}); }, 1)}},
      {"bce_with_logits",
       score,
       "s",
       -6,
       6,
       {{"positive, t = 1", bce(1, 1)},
        {"negative, t = 0", bce(0, 1)},
        {"t = 0.3", bce(0.3, 1)},
        {"positive, pos_weight 3", bce(1, 3)}}},
      {"sigmoid_focal",
       score,
       "s",
       -6,
       6,
       {{"positive, gamma 0", binary_focal(1, 0)},
        {"positive, gamma 2", binary_focal(1, 2)},
        {"negative, gamma 2", binary_focal(0, 2)}}},
      {"hinge",
       score,
       "s",
       -3,
       3,
       {{"hinge, t = 1", [](const V& s) { return hinge(s, constant(1), {.reduction = each}); }},
        {"hinge, t = -1", [](const V& s) { return hinge(s, constant(-1), {.reduction = each}); }},
        {"squared_hinge, t = 1", [](const V& s) { return squared_hinge(s, constant(1), {.reduction = each}); }}}},
      {"regression",
       d,
       "x",
       -3,
       3,
       {{"mse", [](const V& x) { return mse(x, constant(0), {each}); }},
        {"l1", [](const V& x) { return l1(x, constant(0), {each}); }},
        {"huber, delta 1", [](const V& x) { return huber(x, constant(0), {.reduction = each}); }},
        {"smooth_l1, beta 0.5",
         [](const V& x) { return smooth_l1(x, constant(0), {.reduction = each, .beta = 0.5}); }}}},
      {"kl_div",
       "log-probability x",
       "x",
       -4,
       0,
       {{"t = 0.7", [](const V& x) { return kl_div(x, constant(0.7), {.reduction = each}); }},
        {"t = 0.2", [](const V& x) { return kl_div(x, constant(0.2), {.reduction = each}); }},
        {"t = 0", [](const V& x) { return kl_div(x, constant(0), {.reduction = each}); }}}},
      {"cosine_embedding",
       "angle between a and b",
       "angle",
       0,
       std::numbers::pi,
       {{"alike, y = 1", cosine(1)}, {"unlike, y = -1, margin 0.3", cosine(-1)}}},
      {"triplet",
       "x of the negative [x, 0]; anchor [0, 0], positive [1, 0]",
       "x",
       -3,
       3,
       {{"margin 1",
         [=](const V& x) {
           return triplet(point(constant(0), 0), point(constant(1), 0), point(x, 0), {.reduction = each});
         }},
        {"margin 1, swap",
         [=](const V& x) {
           return triplet(point(constant(0), 0), point(constant(1), 0), point(x, 0), {.reduction = each, .swap = true});
         }}}},
  };
}

void write_data(std::FILE* gnuplot, const Curve& c, const Picture& p, std::size_t number) {
  A at(Shape{points});
  for (std::size_t i = 0; i < points; ++i) at(i) = p.from + (p.to - p.from) * static_cast<double>(i) / (points - 1);
  const V x = parameter(at);
  Tape tape;
  const V loss = c.losses(x);
  const auto [g] = tape.gradient(loss, {x}, {.upstream = A(loss.shape(), 1.)});
  std::fprintf(gnuplot, "$curve%zu << end\n", number);
  for (std::size_t i = 0; i < points; ++i)
    std::fprintf(gnuplot, "%.9g %.9g %.9g\n", at(i), loss.data()[i], g.data()[i]);
  std::fputs("end\n", gnuplot);
}

void panel(std::FILE* gnuplot, const Picture& p, const char* title, int column) {
  std::fprintf(gnuplot, "set title '%s'\nplot ", title);
  for (std::size_t i = 0; i < p.curves.size(); ++i)
    std::fprintf(gnuplot, "%s$curve%zu using 1:%d with lines ls %zu title '%s'", i ? ", " : "", i, column, i + 1,
                 p.curves[i].name.c_str());
  std::fputs("\n", gnuplot);
}

bool draw(const Picture& p, const std::filesystem::path& directory) {
  std::FILE* const gnuplot = popen("gnuplot", "w");
  if (!gnuplot) return false;
  std::fprintf(gnuplot,
               "set terminal svg size 860,390 font 'sans-serif,13' background '#ffffff'\nset output '%s'\n"
               "set multiplot layout 1,2\nset grid lc '#dddddd'\nset border lc '#555555'\nset key outside bottom "
               "center horizontal noenhanced\n"
               "set style line 1 lw 2 lc '#0060a0' dt 1\nset style line 2 lw 2 lc '#c04000' dt 2\n"
               "set style line 3 lw 2 lc '#008060' dt 4\nset style line 4 lw 2 lc '#7a3fa0' dt 3\n"
               "set xrange [%g:%g]\nset offsets 0, 0, graph 0.05, graph 0.05\nset xlabel \"%s\" noenhanced\n",
               (directory / (p.file + ".svg")).c_str(), p.from, p.to, p.over.c_str());
  for (std::size_t i = 0; i < p.curves.size(); ++i) write_data(gnuplot, p.curves[i], p, i);
  panel(gnuplot, p, "loss", 2);
  panel(gnuplot, p, ("gradient by " + p.of).c_str(), 3);
  return pclose(gnuplot) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: losses_pictures DIRECTORY\n", stderr);
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  for (const Picture& p : pictures())
    if (!draw(p, argv[1])) {
      std::fputs("losses_pictures: gnuplot could not be run, or failed\n", stderr);
      return 1;
    }
}
