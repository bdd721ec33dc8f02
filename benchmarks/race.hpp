// A race: the contenders take turns, A B C A B C ..., so that a machine that slows down, or a neighbour who
// wakes up, slows all of them. What counts are the ratios of turns that lie side by side.
#pragma once

#include <algorithm>
#include <ctime>
#include <vector>

#include "benchmarks/contenders.hpp"

namespace bench {

/// Seconds of processor time of this process, all threads together.
inline double cpu_time() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

inline double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + x.size() / 2, x.end());
  return x[x.size() / 2];
}

struct Lane {
  std::vector<double> turns;  // seconds a turn

  double best() const { return *std::min_element(turns.begin(), turns.end()); }
  /// The median of the ratios by pair.
  double over(const Lane& other) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < turns.size(); ++i) ratios.push_back(turns[i] / other.turns[i]);
    return median(ratios);
  }
};

/// Races for about `seconds`, seven rounds at least. A turn repeats the work until it can be timed.
inline std::vector<Lane> race(std::vector<Work> contenders, double seconds) {
  constexpr double shortest = 1e-3;
  std::vector<int> repeats;
  for (const Work& work : contenders) {
    work();  // brings memory and caches to their steady state
    int n = 1;
    for (;; n *= 2) {
      const double start = cpu_time();
      for (int i = 0; i < n; ++i) work();
      if (cpu_time() - start > shortest) break;
    }
    repeats.push_back(n);
  }
  std::vector<Lane> lanes(contenders.size());
  const double start = cpu_time();
  for (int round = 0; round < 7 || cpu_time() - start < seconds; ++round)
    for (std::size_t c = 0; c < contenders.size(); ++c) {
      const double from = cpu_time();
      for (int i = 0; i < repeats[c]; ++i) contenders[c]();
      lanes[c].turns.push_back((cpu_time() - from) / repeats[c]);
    }
  return lanes;
}

}  // namespace bench
