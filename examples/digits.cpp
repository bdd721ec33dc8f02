// Handwritten digits: a net of two layers learns to read.
//
//   digits [FILE] [--out DIR]
//
// A digit is a row x of 64 grey values. The net turns it into ten scores, and its answer is the largest of them:
//
//   z = W1 x + b1        W1 [128,64]: every row of it is an image that x is held against
//   h = relu(z)          what agrees passes, what does not is 0
//   s = W2 h + b2        W2 [10,128]: what each of the 128 findings says to each of the ten classes
//
// What it costs to be wrong, t being the right class:
//
//   p = softmax(s)       p_k = e^(s_k) / sum_j e^(s_j): the scores as probabilities
//   l = -ln p_t          0 for a net that is right and sure, without bound for one that is wrong and sure
//
// Its differential, followed back through the same lines (gX is dl/dX):
//
//   gs  = p - e_t             e_t is 1 at t, else 0. Pushes down every wrong class, and up the right one: softmax_ce.hpp
//   gW2 = gs h^T              gb2 = gs
//   gh  = W2^T gs             gz  = gh where z > 0, else 0
//   gW1 = gz x^T              gb1 = gz
//
// This is all there is to backward(). Below: these formulas in numbers, their check, the training, what came of it. All
// of it is in double: a net this small is no load, and what is printed is then the same on every processor.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <vector>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradcheck.hpp"
#include "digits_data.hpp"
#include "digits_picture.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"

using namespace wengert;
using digits::Digits;
using losses::softmax_ce, losses::softmax_ce_unfused;

using Values = std::vector<Variable<double>>;
using Net = nn::Sequential<double>;

constexpr std::uint64_t seed = 1;
constexpr std::size_t classes = 10, hidden = 128;

/// The net as a function of its parameters.
Net net_of(const Values& w) { return Net{nn::Linear(w[0], w[1]), nn::ReLU<double>(), nn::Linear(w[2], w[3])}; }

Digits first_rows(const Digits& d, std::size_t n) {
  std::vector<std::size_t> rows(std::min(n, d.y.size()));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return digits::pick(d, rows);
}

bool say(const char* what, bool holds, const std::string& how) {
  std::printf("   %-38s %s%s\n", what, holds ? "right" : "WRONG", how.c_str());
  return holds;
}

// --- 2. one loss and its gradient ----------------------------------------------------------------

void print_digit(const double* pixel) {
  for (std::size_t i = 0; i < digits::side; ++i) {
    std::printf("      ");
    for (std::size_t j = 0; j < digits::side; ++j) {
      const char ink = " .:-=+*#%@"[static_cast<int>(9 * *pixel++)];
      std::printf("%c%c", ink, ink);
    }
    std::printf("\n");
  }
}

/// gs = p - e_t, once by the formula and once from the tape; whether they agree.
bool show_one_gradient(const Net& net, const Digits& one) {
  const auto t = static_cast<std::size_t>(one.y(0));
  Tape tape;
  const auto s = net(one.x);
  const auto p = softmax(s);
  const auto loss = softmax_ce(s, one.y);
  const auto [gs] = tape.gradient(loss, {s});
  std::printf("   It has not learned anything yet, and takes\n\n");
  print_digit(one.x.storage().data());
  std::printf("\n   for a %d; it is a %zu, and the loss is %.4f.\n\n", static_cast<int>(nn::argmax(s.value())(0)), t,
              loss.item());
  std::printf("   class    score s      p    p - e_t   from the tape\n");
  double off = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    const double by_hand = p.value()(0, k) - (k == t ? 1 : 0);
    off = std::max(off, std::abs(by_hand - gs.value()(0, k)));
    std::printf("   %5zu  %9.4f %8.4f %9.4f %12.4f\n", k, s.value()(0, k), p.value()(0, k), by_hand, gs.value()(0, k));
  }
  std::printf("\n");
  return say("the formula against the tape", off <= 1e-14, ", to 1e-14");
}

// --- 3. the check --------------------------------------------------------------------------------

/// All gradients of the net on a few digits: by the fused loss, by the composed one, and by finite differences.
bool check_gradients(const std::vector<nn::Parameter<double>>& parameters, const Digits& few) {
  Values w;
  std::vector<Array<double>> at;
  Gradcheck options;
  for (const auto& [name, value] : parameters) {
    w.push_back(value);
    at.push_back(value.value());
    options.names.push_back(name);
  }
  Tape tape;
  const Values fused = tape.gradient(softmax_ce(net_of(w)(few.x), few.y), w);
  const Values composed = tape.gradient(softmax_ce_unfused(net_of(w)(few.x), few.y), w);
  double off = 0, largest = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < w[i].size(); ++j) {
      off = std::max(off, std::abs(fused[i].data()[j] - composed[i].data()[j]));
      largest = std::max(largest, std::abs(composed[i].data()[j]));
    }
  const bool same =
      say("fused against composed cross entropy", off <= 1e-13 * largest, ", to 1e-13 of the largest gradient");

  const GradcheckReport report = gradcheck(
      "the net", [&](const Values& v) { return softmax_ce(net_of(v)(few.x), few.y); }, at, options);
  const bool right = say("against finite differences", bool(report),
                         ", " + std::to_string(report.comparisons.size()) + " derivatives, each within its bound");
  if (!right) std::printf("   %s\n", to_string(report).c_str());
  return same && right;
}

// --- 4. training ---------------------------------------------------------------------------------

struct Result {
  double loss, accuracy;
  Labels answers;
};

Result assess(const Net& net, const Digits& d) {
  const auto scores = net(d.x);
  const Labels answers = nn::argmax(scores.value());
  return {softmax_ce(scores, d.y).item(), nn::accuracy(answers, d.y), answers};
}

std::string text_of(const digits::Epoch& e) {
  char text[64];
  std::snprintf(text, sizeof(text), "loss %.4f, of held-out digits %.4f", e.loss, e.held_out_loss);
  return text;
}

std::vector<digits::Epoch> train(const Net& net, const Digits& shown, const Digits& learned, const Digits& held_out) {
  constexpr int epochs = 40;
  constexpr double rate = 0.1;
  nn::Batches batches(shown.x, shown.y, 32, seed);
  nn::Sgd optimiser(net.parameters(), {.rate = rate, .momentum = 0.9, .weight_decay = 5e-4});
  nn::Progress progress("   epoch", epochs);
  std::vector<digits::Epoch> history;

  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (const auto& [x, y] : batches) {
      Tape tape;
      tape.backward(softmax_ce(net(x), y));
      optimiser.step();
      optimiser.zero_grad();
    }
    optimiser.set_rate(rate * (epochs - epoch) / epochs);  // ever smaller steps come to rest
    history.push_back({assess(net, learned).loss, assess(net, held_out).loss});
    progress.at(epoch, text_of(history.back()));
  }
  return history;
}

// --- 5. results ----------------------------------------------------------------------------------

void print_confusion(const Labels& answers, const Labels& labels) {
  const auto counts = nn::confusion(answers, labels, classes);
  std::printf("   digit   taken for\n        ");
  for (std::size_t j = 0; j < classes; ++j) std::printf("%5zu", j);
  std::printf("\n");
  for (std::size_t i = 0; i < classes; ++i) {
    std::printf("   %5zu", i);
    for (std::size_t j = 0; j < classes; ++j)
      std::printf("%5s", counts(i, j) == 0 ? "." : std::to_string(counts(i, j)).c_str());
    std::printf("\n");
  }
}

// --- the lesson ----------------------------------------------------------------------------------

int lesson(const std::string& file, const std::string& directory) {
  std::printf("1. The data\n\n");
  nn::Random random(seed);
  const Digits all = digits::read(file);
  if (all.y.size() < 100)
    throw FileError(file + ": has " + std::to_string(all.y.size()) + " digits; 100 are needed to learn from");
  const auto [learned, held_out] = digits::split(all, all.y.size() / 5, random);
  const Digits shifted = digits::with_shifted(learned);
  std::printf("   %zu digits of 8x8 grey values: %zu to learn from, %zu held out.\n", all.y.size(), learned.y.size(),
              held_out.y.size());
  std::printf("   Each one to learn from is also shown moved by a pixel up, down, left and right.\n\n");

  std::printf("2. One loss and its gradient\n\n");
  const Net net{nn::Linear<double>(digits::pixels, hidden, random), nn::ReLU<double>(),
                nn::Linear<double>(hidden, classes, random)};
  bool holds = show_one_gradient(net, first_rows(held_out, 1));

  std::printf("\n3. The check of all gradients, on 4 digits\n\n");
  holds &= check_gradients(net.parameters(), first_rows(learned, 4));

  std::printf("\n4. Training\n\n");
  const auto start = std::chrono::steady_clock::now();
  const auto history = train(net, shifted, learned, held_out);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("time: trained in %.1f s\n", seconds.count());

  std::printf("\n5. What it can do\n\n");
  const Result result = assess(net, held_out);
  std::printf("   %.2f %% of the held-out digits are right; loss %.4f, of those it learned from %.4f.\n\n",
              100 * result.accuracy, result.loss, history.back().loss);
  print_confusion(result.answers, held_out.y);
  std::printf("\n");
  holds &= say("at least 97 %", result.accuracy >= 0.97, "");

  std::printf("\n   Picture: digits.png and digits.svg, drawn by gnuplot from digits.gp.\n");
  std::fflush(stdout);
  const auto w = net.parameters();
  if (!digits::draw({history, w[0].value.value(), w[2].value.value(), held_out, result.answers}, directory))
    std::fprintf(stderr,
                 "digits: gnuplot is missing or failed: no picture; install gnuplot-nox, then: gnuplot digits.gp\n");
  return holds ? 0 : 1;
}

int main(int argc, char** argv) {
  std::string file = WENGERT_DATA_DIR "/digits.csv", directory = ".";
  bool good = true, file_given = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--out" && i + 1 < argc)
      directory = argv[++i];
    else if (!argument.starts_with("-") && !file_given)
      file = argument, file_given = true;
    else
      good = false;
  }
  if (!good) {
    std::fprintf(stderr, "usage: digits [FILE] [--out DIR]\n");
    return 2;
  }
  try {
    return lesson(file, directory);
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "digits: %s\n", e.what());
    return 2;
  }
}
