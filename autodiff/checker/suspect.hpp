// The wrong gradient of one input, and the questions that a diagnosis asks of it. Internal to diagnosis.cpp.
#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/checker/diagnosis.hpp"

namespace wengert {

/// Entries of an input, in words.
struct Group {
  std::string where;
  std::vector<bool> in;
};

/// a is the gradient, n what it should be, x the input; row by row.
class Suspect {
 public:
  using Numbers = std::vector<double>;

  Suspect(const Evidence& e, std::size_t k);

  const Evidence& e;
  const std::size_t k;  // which input
  const Shape& shape;
  const Numbers x, a, n;

  bool is_wrong(std::size_t i) const { return !(std::abs(a[i] - n[i]) <= bound_[i]); }
  bool is_right() const;
  /// What is wrong is not known well enough to tell one pattern from another: at a kink, in noise.
  bool is_blurred() const;
  /// Whether a is `value` there, as far as that can be told.
  bool is_at(std::size_t i, double value) const { return std::abs(a[i] - value) <= slack(i); }
  bool are_at(const Numbers& values) const;
  double slack(std::size_t i) const { return 10 * bound_[i] + 1e-8 * scale_; }
  double scale() const { return scale_; }

  std::size_t stride(std::size_t axis) const;
  /// The place along an axis.
  std::size_t place(std::size_t i, std::size_t axis) const { return i / stride(axis) % shape[axis]; }

  /// The c for which a = c n in the group; NaN if there is none. One or two entries have one by chance: there it must be
  /// a telling one.
  double factor(const std::vector<bool>& in) const;
  /// Whether a - n = c q: the axis, if there is one c for each line along it; the rank, if there is one for all.
  std::optional<std::size_t> error_along(const Numbers& q) const;
  /// Groups that mistakes are known to hit alone.
  std::vector<Group> groups() const;
  /// The numerical gradient of another function of the same inputs, or with other weights.
  Numbers differentiate(const Function<double>& f, const Array<double>& u) const;

  template <class F> std::size_t count_if(F f) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < a.size(); ++i) count += f(i);
    return count;
  }

 private:
  template <class F> Group group(std::string where, F in) const {
    Group g{std::move(where), std::vector<bool>(a.size())};
    for (std::size_t i = 0; i < a.size(); ++i) g.in[i] = in(i);
    return g;
  }
  void add_groups_of(const std::string& index, const Labels& labels, std::vector<Group>& all) const;

  Numbers bound_;
  double scale_ = 0;  // the largest n
};

Suspect::Numbers numbers(const Array<double>& x);
bool is_whole(double x);

}  // namespace wengert
