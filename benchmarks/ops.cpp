// Prints the table of ops: forward and backward of each against libtorch's. benchmarks/README.md explains it.
#include "benchmarks/ops.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <numeric>
#include <sstream>

#include "autodiff/autodiff.hpp"
#include "autodiff/kernels/kernels.hpp"
#include "autodiff/sample.hpp"
#include "benchmarks/race.hpp"
#include "losses/losses.hpp"

using namespace bench;
using namespace wengert;

namespace {

struct {
  double seconds = 0.5;   // for a race
  bool alone = false;     // ours only: for a profiler
  const char* only = "";  // part of the name or the call of the rows to run
} options;

std::vector<Declared> all_declared() {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  return all;
}

// --- a call, ours

/// The arguments of a row, drawn as the checker draws them.
Arguments<float> arguments(const Declared& op, const std::string& call) {
  Declared d = op;
  std::string text;
  std::istringstream words(call);
  for (std::string word; words >> word;) {
    if (word.starts_with("below=")) {
      for (Input& input : d.inputs)
        if (input.draw == Draw::index) input.domain = {0, std::stod(word.substr(6)) - 1};
    } else {
      text += (text.empty() ? "" : " ") + word;
    }
  }
  Arguments<float> drawn(op);
  d.f32 = [&](const Arguments<float>& a) {
    for (const Input& input : op.inputs) {
      if (!a.has(input.name)) continue;
      if (input.draw == Draw::index)
        drawn.set(input.name, a.indices(input.name));
      else
        drawn.set(input.name, a[input.name]);
    }
    for (const Attribute& attribute : op.attributes) drawn.set_attribute(attribute.name, a.word(attribute.name));
    return std::vector{Variable<float>(0.f)};
  };
  const Sample s = draw(d, text, 1);
  std::vector<Variable<float>> parameters;
  for (const Array<double>& x : s.inputs) parameters.push_back(parameter(Array<float>(xt::cast<float>(x))));
  s.f32(parameters);
  return drawn;
}

std::vector<OpInput> inputs_of(const Declared& d, const Arguments<float>& a) {
  std::vector<OpInput> all;
  for (const Input& input : d.inputs) {
    OpInput& x = all.emplace_back();
    const auto take = [&](const auto& from, auto& to) {
      x.shape.assign(from.shape().begin(), from.shape().end());
      to.assign(from.storage().begin(), from.storage().end());
    };
    if (!a.has(input.name)) continue;
    if (input.draw == Draw::index)
      take(a.indices(input.name), x.indices);
    else
      take(a[input.name].value(), x.real);
    x.kind = input.draw == Draw::index  ? OpInput::index
             : input.draw == Draw::mask ? OpInput::mask
             : input.differentiable()   ? OpInput::parameter
                                        : OpInput::constant;
  }
  return all;
}

OpContender ours(const Declared& d, const Arguments<float>& a) {
  std::vector<Variable<float>> parameters;
  for (const Input& input : d.inputs)
    if (input.differentiable() && a.has(input.name)) parameters.push_back(a[input.name]);
  const auto run = [f = d.f32, a] {
    std::vector<Variable<float>> y = f(a);
    for (std::size_t i = 1; i < y.size(); ++i) y[0] += std::move(y[i]);
    return std::move(y[0]);
  };
  Array<float> u(run().shape());
  const std::vector<float> numbers = upstream(u.size());
  std::copy(numbers.begin(), numbers.end(), u.storage().begin());
  const auto step = [=, u = Variable<float>(std::move(u))] {
    Tape tape;
    Variable<float> y = run();
    tape.backward(y, {.upstream = u});
    return y;
  };
  OpContender c;
  c.work = [=]() mutable {
    step();
    for (auto& p : parameters) p.zero_grad();
  };
  c.answer = [=]() mutable {
    const auto entries = [](const Array<float>& x) { return std::vector(x.storage().begin(), x.storage().end()); };
    std::vector<std::vector<float>> all{entries(step().value())};
    for (auto& p : parameters) {
      all.push_back(entries(p.grad()));
      p.zero_grad();
    }
    return all;
  };
  return c;
}

double mean(const std::vector<float>& x) {
  return std::accumulate(x.begin(), x.end(), 0.) / static_cast<double>(x.size());
}

/// The largest difference, in units of the largest number; infinite where the sizes differ.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double worst = 0, largest = 1e-3;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::isnan(a[i] - b[i]) ? std::numeric_limits<double>::infinity()
                                    : std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return worst / largest;
}

bool agree(const OpRow& row, const OpContender& we, const OpContender& they) {
  const auto a = we.answer(), b = they.answer();
  bool good = a.size() == b.size();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double d = row.check == OpRow::random ? std::abs(mean(a[i]) - mean(b[i])) / 100 : difference(a[i], b[i]);
    if (d <= 1e-4) continue;
    good = false;
    std::fprintf(stderr, "DISAGREEMENT: %s %s: %s differs by %.2g of the largest number\n", row.op.c_str(),
                 row.call.c_str(), i == 0 ? "the value" : ("gradient " + std::to_string(i)).c_str(), d);
  }
  return good;
}

// --- the table

struct Result {
  OpRow row;
  double ours, libtorch;  // the best turn
  double ratio;           // median of the ratios of neighbouring turns
  bool agree;
};

std::string time_text(double s) {
  char text[32];
  std::snprintf(text, sizeof text,
                s < 1e-6   ? "%.0f ns"
                : s < 1e-3 ? "%.3g us"
                           : "%.3g ms",
                s * (s < 1e-6   ? 1e9
                     : s < 1e-3 ? 1e6
                                : 1e3));
  return text;
}

void print(const Result& r, FILE* to) {
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.2f (%.2f)", r.ratio, r.ours / r.libtorch);
  std::fprintf(to, "| %-18s | %-52s | %8s | %8s | %13s |%s\n", r.row.op.c_str(), r.row.call.c_str(),
               time_text(r.ours).c_str(), time_text(r.libtorch).c_str(), ratio, r.agree ? "" : " DISAGREES");
}

Result measure(const OpRow& row, std::size_t number, const Declared& d) {
  const Arguments<float> a = arguments(d, row.call);
  const OpContender we = ours(d, a), they = libtorch::op(number, inputs_of(d, a));
  const bool good = agree(row, we, they);
  if (options.alone) {
    const auto lanes = race({we.work}, options.seconds);
    return {row, lanes[0].best(), std::nan(""), std::nan(""), good};
  }
  const auto lanes = race({we.work, they.work}, options.seconds);
  return {row, lanes[0].best(), lanes[1].best(), lanes[0].over(lanes[1]), good};
}

void print_table(std::vector<Result> results, int size) {
  std::erase_if(results, [&](const Result& r) { return r.row.size != size; });
  if (results.empty()) return;
  std::sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.ratio > b.ratio; });
  std::printf("\n| %-18s | %-52s | %8s | %8s | %13s |\n|---|---|---|---|---|\n", "op", "call", "ours", "libtorch",
              "ours/libtorch");
  for (const Result& r : results) print(r, stdout);
}

void print_names(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::printf("\n%s:", what);
  for (const std::string& name : names) std::printf(" %s", name.c_str());
  std::puts("");
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--alone") == 0) {
      options.alone = true;
    } else if (std::strncmp(argv[i], "--seconds=", 10) == 0) {
      options.seconds = std::atof(argv[i] + 10);
    } else if (argv[i][0] != '-') {
      options.only = argv[i];
    } else {
      std::fprintf(stderr, "%s [--seconds=S a race] [--alone: ours only] [part of a row, as \"softmax x=[1024\"]\n",
                   argv[0]);
      return 2;
    }
  }
  limit::use_one_thread();
  libtorch::use_one_thread();
  std::printf("kernels: %s; libtorch's: %s\n", kernels::of<float>().name, libtorch::instruction_set().c_str());

  const std::vector<Declared> declared = all_declared();
  const std::vector<OpRow> rows = libtorch::op_rows();
  std::vector<Result> results;
  std::vector<std::string> not_declared, no_row;
  bool good = true;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto d =
        std::find_if(declared.begin(), declared.end(), [&](const Declared& op) { return rows[i].op == op.op->name; });
    if (d == declared.end()) {
      if (not_declared.empty() || not_declared.back() != rows[i].op) not_declared.push_back(rows[i].op);
      continue;
    }
    if ((rows[i].op + " " + rows[i].call).find(options.only) == std::string::npos) continue;
    try {
      results.push_back(measure(rows[i], i, *d));
      good &= results.back().agree;
      print(results.back(), stderr);
    } catch (const std::exception& e) {
      good = false;
      std::fprintf(stderr, "FAILED: %s %s: %s\n", rows[i].op.c_str(), rows[i].call.c_str(), e.what());
    }
    release_memory();
  }
  for (const Declared& d : declared)
    if (std::none_of(rows.begin(), rows.end(), [&](const OpRow& row) { return row.op == d.op->name; }))
      no_row.push_back(d.op->name);

  for (const int size : {OpRow::large, OpRow::small}) print_table(results, size);
  print_names("no row", no_row);
  print_names("not declared", not_declared);
  return good ? 0 : 1;
}
