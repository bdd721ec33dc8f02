// Prints the table that benchmarks/README.md explains.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "benchmarks/contenders.hpp"
#include "benchmarks/heap.hpp"
#include "benchmarks/process.hpp"
#include "benchmarks/race.hpp"

using namespace bench;

namespace {

// --- the table ---

struct Aim {
  double most = 0;
  enum { none, of_limit, of_libtorch, absolute } kind = none;
};

struct {
  double seconds = 2;     // for a race
  bool alone = false;     // ours only: for a profiler
  bool compile = false;   // time the compiler as well
  const char* only = "";  // part of the name of the rows to run
} options;

bool wanted(const std::string& name) { return name.find(options.only) != std::string::npos; }

std::string format(const char* pattern, double x) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, x);
  return text;
}
std::string time_text(double s) {
  return s < 1e-6   ? format("%.1f ns", s * 1e9)
         : s < 1e-3 ? format("%.1f us", s * 1e6)
         : s < 1    ? format("%.2f ms", s * 1e3)
                    : format("%.2f s", s);
}

void print_row(const std::string& work, const std::string& ours, const std::string& limit, const std::string& libtorch,
               const std::string& by_limit, const std::string& by_libtorch, const std::string& aim,
               const std::string& reached) {
  std::printf("| %-44s | %9s | %9s | %9s | %13s | %13s | %16s | %3s |\n", work.c_str(), ours.c_str(), limit.c_str(),
              libtorch.c_str(), by_limit.c_str(), by_libtorch.c_str(), aim.c_str(), reached.c_str());
  std::fflush(stdout);
}

void print_head() {
  print_row("work", "ours", "limit", "libtorch", "ours/limit", "ours/libtorch", "aim", "ok?");
  std::puts("|---|---|---|---|---|---|---|---|");
}

/// Something counted or weighed; what is negative is not known.
void row(const std::string& name, const char* pattern, double ours, double libtorch, double aim) {
  const auto text = [&](double x) { return x < 0 ? "" : format(pattern, x); };
  print_row(name, text(ours), "", text(libtorch), "", libtorch > 0 ? format("%.3f", ours / libtorch) : "",
            "<= " + text(aim), ours <= aim ? "yes" : "no");
}

/// A race; empty contenders do not take part. Times are of the best turn, divided by `parts`.
void row(const std::string& name, Work ours, Work limit, Work libtorch, Aim aim, int parts = 1) {
  std::vector<Work> contenders{std::move(ours)};
  if (limit && !options.alone) contenders.push_back(std::move(limit));
  const std::size_t at = contenders.size();
  if (libtorch && !options.alone) contenders.push_back(std::move(libtorch));
  const auto lanes = race(std::move(contenders), options.seconds);

  const Lane &we = lanes[0], *line = at > 1 ? &lanes[1] : nullptr, *torch = lanes.size() > at ? &lanes[at] : nullptr;
  const auto best = [&](const Lane* l) { return l ? time_text(l->best() / parts) : ""; };
  const auto ratio = [&](const Lane* l) {
    return l ? format("%.2f", we.over(*l)) + format(" (%.2f)", we.best() / l->best()) : "";
  };
  const Lane* const measure = aim.kind == Aim::of_limit ? line : aim.kind == Aim::of_libtorch ? torch : nullptr;
  const double reached = measure ? we.over(*measure) : we.best() / parts;
  const bool known = measure || aim.kind == Aim::absolute;
  print_row(name, best(&we), best(line), best(torch), ratio(line), ratio(torch),
            aim.kind == Aim::none ? ""
            : aim.kind == Aim::absolute
                ? "<= " + time_text(aim.most)
                : format("<= %.2f", aim.most) + (aim.kind == Aim::of_limit ? " limit" : " libtorch"),
            !known                ? ""
            : reached <= aim.most ? "yes"
                                  : "no");
}

// --- libtorch, if it is there

#if WENGERT_LIBTORCH
#define LIBTORCH(work) libtorch::work
#else
#define LIBTORCH(work) Work()
#endif

// --- what is measured

void memory() {
  constexpr int rows = 2048, classes = 32768;
  // How far the heap rises above the scores, in units of them, on the first turn.
  const auto rise = [](auto make) {
    return in_copy([=] {
      const Work work = make(rows, classes);
      const std::size_t before = heap::peak = heap::live;
      work();
      return static_cast<double>(heap::peak - before) / (4. * rows * classes);
    });
  };
  double theirs = -1;
#if WENGERT_LIBTORCH
  theirs = rise(libtorch::softmax_ce);
#endif
  if (const char* name = "memory of CE 2048x32768 beyond the scores"; wanted(name))
    row(name, "%.2f x", rise(ours::softmax_ce), theirs, 1.001);
  if (const char* name = "memory of CE 2048x32768, computed scores"; wanted(name))
    row(name, "%.2f x", rise(ours::softmax_ce_in_place) - 1, -1, 0.001);
  if (const char* name = "memory of linear_softmax_ce 2048x32768, width 256, beyond gradients: MiB"; wanted(name)) {
    constexpr int width = 256;
    const double gradients = 4. * (rows * width + classes * width + classes);
    const auto make = [](int n, int c) { return ours::linear_softmax_ce(n, c, width, true); };
    row(name, "%.1f", (rise(make) * 4. * rows * classes - gradients) / (1 << 20), -1, 38.1);  // 40 MB
  }
}

void allocations() {
  const auto count = [](const Work& work) {
    if (!work) return -1.;
    constexpr int steps = 50;
    for (int i = 0; i < 10; ++i) work();
    const std::size_t before = heap::calls;
    for (int i = 0; i < steps; ++i) work();
    return static_cast<double>(heap::calls - before) / steps;
  };
  const Mlp net{{784, 128, 10}, 32, true};
  if (const char* name = "allocations a step, MLP 784-128-10"; wanted(name))
    row(name, "%.0f", count(ours::mlp(net)), count(LIBTORCH(mlp(net))), 0);
  if (const char* name = "allocations a step, chain"; wanted(name))
    row(name, "%.0f", count(ours::chain(1000, 1)), count(LIBTORCH(chain(1000, 1))), 0);
}

void tape() {
  if (const char* name = "a tape of 10^6 ops: bytes a node"; wanted(name))
    row(name, "%.0f", ours::bytes_a_node(1'000'000), -1, 104);
}

void processes() {
  Run ours, theirs{-1, -1};
  if (!wanted("process")) return;
  ours = run_program(WENGERT_HELLO, 20);
#if WENGERT_LIBTORCH
  theirs = run_program(WENGERT_HELLO_LIBTORCH, 3);
#endif
  row("process, one small step: peak MiB", "%.1f", ours.mebibytes, theirs.mebibytes, 12);
  row("process, one small step: ms", "%.1f", ours.seconds * 1e3, theirs.seconds < 0 ? -1 : theirs.seconds * 1e3, 20);
}

void compile_time() {
  if (!options.compile) return;
  const std::string directory = WENGERT_BENCHMARKS_DIRECTORY;
  const double ours = time_command(WENGERT_COMPILE " " + directory + "/hello.cpp");
  double theirs = -1;
#if WENGERT_LIBTORCH
  theirs = time_command(WENGERT_COMPILE_LIBTORCH " " + directory + "/hello_libtorch.cpp");
#endif
  row("compile a small net, -O2: s", "%.2f", ours, theirs, 3);
  row("  #include <xtensor/xarray.hpp> alone: s", "%.2f",
      time_command("echo '#include <xtensor/xarray.hpp>' | " WENGERT_COMPILE " -x c++ -"), -1, 3);
}

void speed() {
  for (const int width : {1, 16})
    if (const auto name = "chain of 1000 ops, " + std::to_string(width) + " elements, an op"; wanted(name))
      row(name, ours::chain(1000, width), limit::chain(1000, width), LIBTORCH(chain(1000, width)),
          width == 1 ? Aim{40e-9, Aim::absolute} : Aim{}, 1000);

  if (const char* name = "a tape of 10^6 ops: an op"; wanted(name))
    row(name, ours::chain(1'000'000, 1), limit::chain(1'000'000, 1), {}, {}, 1'000'000);

  struct Net {
    const char* name;
    Mlp mlp;
    double aim;
  };
  for (Net net : {Net{"MLP 784-128-10, batch 32", {{784, 128, 10}, 32}, 0.96},
                  Net{"MLP 784-512-512-10, batch 128", {{784, 512, 512, 10}, 128}, 1.03},
                  Net{"MLP 64-32-10, batch 16", {{64, 32, 10}, 16}, 1.20}}) {
    if (!wanted(net.name)) continue;
    const auto run = [&](const std::string& name, Aim aim) {
      row(name, ours::mlp(net.mlp), limit::mlp(net.mlp), LIBTORCH(mlp(net.mlp)), aim);
    };
    run(net.name, {net.aim, Aim::of_limit});
    net.mlp.update = true;
    run("  with the SGD update", {});
  }

  if (const std::string name = "LeNet, batch 64"; wanted(name))
    for (const bool max : {true, false})
      row(max ? name : "  with average pooling", ours::lenet(64, max), limit::lenet(64), LIBTORCH(lenet(64, max)),
          {1.25, Aim::of_limit});

  struct Size {
    int rows, classes;
    double aim;
  };
  for (const Size s : {Size{64, 10, 0.15}, Size{128, 1000, 0.30}, Size{512, 10000, 0.23}, Size{2048, 32768, 0.09}}) {
    const auto name = "softmax CE " + std::to_string(s.rows) + "x" + std::to_string(s.classes);
    if (!wanted(name)) continue;
    row(name, ours::softmax_ce(s.rows, s.classes), limit::softmax_ce(s.rows, s.classes),
        LIBTORCH(softmax_ce(s.rows, s.classes)), {s.aim, Aim::of_libtorch});
    row("  against memcpy of the scores", ours::softmax_ce(s.rows, s.classes), limit::copy(s.rows, s.classes), {}, {});
  }

  if (const char* name = "linear_softmax_ce 2048x32768, width 256, against two nodes"; wanted(name))
    row(name, ours::linear_softmax_ce(2048, 32768, 256, true), ours::linear_softmax_ce(2048, 32768, 256, false), {},
        {1.1, Aim::of_limit});

  for (const bool by_row : {false, true})
    if (const std::string name = by_row ? "  w and b of [1024]" : "sum(tanh(x w + b)), all of [1024,1024]";
        wanted(name)) {
      row(name, ours::tanh_sum(1024, by_row), limit::tanh_sum(1024, by_row), LIBTORCH(tanh_sum(1024, by_row)),
          {0.60, Aim::of_libtorch});
      row("  by map", ours::tanh_sum_by_map(1024, by_row), limit::tanh_sum(1024, by_row),
          LIBTORCH(tanh_sum(1024, by_row)), {0.38, Aim::of_libtorch});
    }
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--compile") == 0) {
      options.compile = true;
    } else if (std::strcmp(argv[i], "--alone") == 0) {
      options.alone = true;
    } else if (std::strncmp(argv[i], "--seconds=", 10) == 0) {
      options.seconds = std::atof(argv[i] + 10);
    } else if (argv[i][0] != '-') {
      options.only = argv[i];
    } else {
      std::fprintf(stderr, "%s [--compile] [--seconds=S a race] [--alone: ours only] [part of the names of rows]\n",
                   argv[0]);
      return 2;
    }
  }
  limit::use_one_thread();
#if WENGERT_LIBTORCH
  libtorch::use_one_thread();
#endif
  print_head();
  memory();  // first: later on, freed memory is there for the taking
  allocations();
  tape();
  processes();
  compile_time();
  speed();
}
