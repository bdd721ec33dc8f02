// Work along an axis: short and long rows, blocks of rows, strips of neighbouring lines and their ends, against the
// formulas in long double.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "autodiff/autodiff.hpp"
#include "tests/random.hpp"

using namespace wengert;

namespace {

using Exact = std::vector<long double>;

/// f(number of the line, number of its first element, distance between two) for the lines along the middle axis.
template <class F> void each_line(const Shape& s, F f) {
  for (std::size_t o = 0; o < s[0]; ++o)
    for (std::size_t i = 0; i < s[2]; ++i) f(o * s[2] + i, o * s[1] * s[2] + i, s[2]);
}

template <class T> void check_close(const T* got, const Exact& exact) {
  long double worst = 0, largest = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] - exact[i]));
    largest = std::max(largest, std::abs(exact[i]));
  }
  CHECK(static_cast<double>(worst / largest) <= 4 * static_cast<double>(std::numeric_limits<T>::epsilon()));
}

/// y = f(x) and its gradient from upstream u.
template <class T, class F>
void check(const char* name, const Variable<T>& x, const Variable<T>& u, F f, const Exact& y, const Exact& gx) {
  CAPTURE(std::string(name));
  CAPTURE(to_string(x.shape()));
  Tape tape;
  const Variable<T> got = f(x);
  check_close(got.data(), y);
  const auto [g] = tape.gradient(got, {x}, {.upstream = u});
  check_close(g.data(), gx);
}

}  // namespace

TEST_CASE_TEMPLATE("along an axis: blocks of rows, strips of lines and their ends", T, float, double) {
  std::mt19937_64 random(3);
  for (const Shape& s : {Shape{35, 5, 1}, Shape{17, 16, 1}, Shape{3, 400, 1}, Shape{2, 5000, 1}, Shape{1, 1, 1},
                         Shape{2, 19, 300}, Shape{1, 8, 257}, Shape{3, 1, 16}, Shape{2, 7, 40}, Shape{2, 33, 1025}}) {
    const Shape one{s[0], 1, s[2]};
    const auto draw = [&](const Shape& shape) { return parameter(test::uniform<T>(shape, {-4, 4}, random)); };
    const Variable<T> x = draw(s), u = draw(s), v = draw(one);
    const std::size_t n = x.size(), lines = v.size();
    Exact p(n), p_gx(n), log_p(n), log_gx(n), lse(lines), lse_gx(n), most(lines), most_gx(n), total(lines), spread(n);
    each_line(s, [&](std::size_t line, std::size_t first, std::size_t step) {
      const std::size_t end = first + s[1] * step;
      std::size_t argmax = first;
      long double sum = 0, dot = 0, upstream = 0;
      for (std::size_t i = first; i < end; i += step) {
        if (x.data()[i] > x.data()[argmax]) argmax = i;
        sum += std::exp(static_cast<long double>(x.data()[i]));
        total[line] += x.data()[i];
        spread[i] = v.data()[line];
        upstream += u.data()[i];
      }
      lse[line] = std::log(sum);
      most[line] = x.data()[argmax];
      most_gx[argmax] = v.data()[line];
      for (std::size_t i = first; i < end; i += step) {
        log_p[i] = x.data()[i] - lse[line];
        p[i] = std::exp(log_p[i]);
        dot += p[i] * u.data()[i];
      }
      for (std::size_t i = first; i < end; i += step) {
        p_gx[i] = p[i] * (u.data()[i] - dot);
        log_gx[i] = u.data()[i] - p[i] * upstream;
        lse_gx[i] = p[i] * v.data()[line];
      }
    });
    if (s[1] > 1)
      check<T>(
          "softmax", x, u, [](const auto& x) { return softmax(x, 1); }, p, p_gx);
    if (s[1] > 1)
      check<T>(
          "log_softmax", x, u, [](const auto& x) { return log_softmax(x, 1); }, log_p, log_gx);
    check<T>(
        "logsumexp", x, v, [](const auto& x) { return logsumexp(x, 1, true); }, lse, lse_gx);
    check<T>(
        "max", x, v, [](const auto& x) { return max(x, 1, true); }, most, most_gx);
    check<T>(
        "sum", x, v, [](const auto& x) { return sum(x, 1, true); }, total, spread);
    Exact backward(lines);
    each_line(s, [&](std::size_t line, std::size_t first, std::size_t step) {
      for (std::size_t i = 0; i < s[1]; ++i) backward[line] += u.data()[first + i * step];
    });
    check<T>(
        "broadcast_to", v, u, [&](const auto& x) { return broadcast_to(x, s); }, spread, backward);
  }
}
