#include "losses/embedding.hpp"

#include "autodiff/ops/index.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/pointwise.hpp"
#include "losses/row_loss.hpp"

namespace wengert::losses {
namespace {

using kernels::Index;

constexpr Op cosine_op{
    .name = "cosine_embedding", .formula = "L = mean of 1 - cos(a, b), or max(0, cos(a, b) - margin)", .kinked = true};
constexpr Op triplet_op{
    .name = "triplet", .formula = "L = mean of max(0, |a - p + e| - |a - n + e| + margin), e = 1e-6", .kinked = true};

constexpr double of_length = 1e-12, of_entry = 1e-6;  // what PyTorch adds, too

template <class T>
void need_rows(const char* op, const char* a_name, const Variable<T>& a, const char* b_name, const Variable<T>& b) {
  if (a.rank() != 2 || a.shape() != b.shape())
    throw ShapeError(std::string(op) + ": " + a_name + " is " + to_string(a.shape()) + " but " + b_name + " is " +
                     to_string(b.shape()) + "; both must be [N,D], a row an example");
}

template <class T, std::size_t K> RowInputs<T, K> rows_of(std::array<Variable<T>, K> x) {
  const Shape s = x[0].shape();
  return {std::move(x), {static_cast<Index>(s[0]), static_cast<Index>(s[1]), 1}, 1, {s[0]}};
}

/// The loss of a row of a, b with the target y, and its gradients.
template <class T> double cosine_of(const Row<T, 2>& r, bool alike, double margin) {
  const auto a = [&](Index j) { return static_cast<double>(r.x[0][j]); };
  const auto b = [&](Index j) { return static_cast<double>(r.x[1][j]); };
  const double A = sum_over(r.length, [&](Index j) { return a(j) * a(j); }) + of_length;
  const double B = sum_over(r.length, [&](Index j) { return b(j) * b(j); }) + of_length;
  const double a_size = std::sqrt(A), b_size = std::sqrt(B);
  const auto u = [&](Index j) { return a(j) / a_size; };
  const auto v = [&](Index j) { return b(j) / b_size; };
  const double c = sum_over(r.length, [&](Index j) { return u(j) * v(j); });
  double off = 1 - c;
  if (c > 0.5)
    off = sum_over(r.length, [&](Index j) { return (u(j) - v(j)) * (u(j) - v(j)); }) / 2 + of_length / (2 * A) +
          of_length / (2 * B);
  const double loss = alike ? off : c - margin <= 0 ? 0 : c - margin;
  if (r.wants_gradient()) {
    const double sign = alike ? -1 : loss > 0 ? 1 : 0;
    for (Index j = 0; j < r.length; ++j) {
      const double across_u = c > 0.5 ? (v(j) - u(j)) + off * u(j) : v(j) - c * u(j);
      const double across_v = c > 0.5 ? (u(j) - v(j)) + off * v(j) : u(j) - c * v(j);
      r.set(0, j, loss != loss ? loss : sign * across_u / a_size);
      r.set(1, j, loss != loss ? loss : sign * across_v / b_size);
    }
  }
  return loss;
}

/// |x - y + e|
template <class T> double distance(const T* x, const T* y, Index n) {
  return std::sqrt(sum_over(n, [&](Index j) {
    const double d = static_cast<double>(x[j]) - static_cast<double>(y[j]) + of_entry;
    return d * d;
  }));
}

template <class T> double triplet_of(const Row<T, 3>& r, double margin, bool swap) {
  const auto [a, p, n] = r.x;
  const double ap = distance(a, p, r.length), an = distance(a, n, r.length);
  const double pn = swap ? distance(p, n, r.length) : an;
  const bool swapped = pn < an;
  const double h = ap - (swapped ? pn : an) + margin, loss = h <= 0 ? 0 : h;
  if (r.wants_gradient())
    for (Index j = 0; j < r.length; ++j) {
      const auto along = [&](const T* x, const T* y, double d) {
        return loss == 0 || d == 0 ? 0 : (static_cast<double>(x[j]) - static_cast<double>(y[j]) + of_entry) / d;
      };
      const double q = along(a, p, ap), s = swapped ? along(p, n, pn) : along(a, n, an);
      r.set(0, j, swapped ? q : q - s);
      r.set(1, j, swapped ? -q - s : -q);
      r.set(2, j, s);
    }
  return loss;
}

}  // namespace

template <class T>
Variable<T> cosine_embedding(Variable<T> a, std::type_identity_t<Variable<T>> b,
                             std::type_identity_t<Variable<T>> targets, CosineEmbedding<T> o) {
  const char* const op = cosine_op.name;
  need_rows(op, "a", a, "b", b);
  const Shape rows{a.shape()[0]};
  if (targets.shape() != rows)
    throw ShapeError(std::string(op) + ": a is " + to_string(a.shape()) + " but targets are " +
                     to_string(targets.shape()) + "; they must be " + to_string(rows) + ", one a row");
  need_number(op, o.margin >= -1 && o.margin <= 1, "margin", o.margin, "in -1..1");
  const RowWeights weights = row_weights(op, rows, o.reduction, o.row_weights, o.mask);
  need_targets(op, targets, element_weights(op, rows, weighting(o)).weight, is_sign<T>, sign_rule);
  const T* const y = targets.data();
  const auto of_row = [&](const Row<T, 2>& r) { return cosine_of(r, y[r.number] > 0, o.margin); };
  const auto composed = [y = saved(constant(targets)),
                         margin = static_cast<T>(o.margin)](const std::array<Variable<T>, 2>& x) {
    const auto square_length = [](const Variable<T>& v) { return sum(square(v), 1, true) + static_cast<T>(of_length); };
    const Variable<T> c = sum(x[0] * x[1], 1, true) / (sqrt(square_length(x[0])) * sqrt(square_length(x[1])));
    return where(reshape(*y, {-1, 1}) > 0, 1 - c, relu(c - margin));
  };
  return row_loss<T, 2>(cosine_op, rows_of<T, 2>({std::move(a), std::move(b)}), weights,
                        divisor_of(o.reduction, weights), o.reduction, of_row, composed);
}

template <class T>
Variable<T> triplet(Variable<T> anchor, std::type_identity_t<Variable<T>> positive,
                    std::type_identity_t<Variable<T>> negative, Triplet<T> o) {
  const char* const op = triplet_op.name;
  need_rows(op, "anchor", anchor, "positive", positive);
  need_rows(op, "anchor", anchor, "negative", negative);
  need_number(op, std::isfinite(o.margin), "margin", o.margin, "finite");
  const RowWeights weights = row_weights(op, {anchor.shape()[0]}, o.reduction, o.row_weights, o.mask);
  const auto of_row = [&](const Row<T, 3>& r) { return triplet_of(r, o.margin, o.swap); };
  const auto composed = [margin = static_cast<T>(o.margin), swap = o.swap](const std::array<Variable<T>, 3>& x) {
    const auto distance = [](const Variable<T>& a, const Variable<T>& b) {
      return sqrt(sum(square(a - b + static_cast<T>(of_entry)), 1, true));
    };
    const auto closer = [](const Variable<T>& pn, const Variable<T>& an) { return where(an - pn > 0, pn, an); };
    const Variable<T> an = distance(x[0], x[2]);
    return relu(distance(x[0], x[1]) - (swap ? closer(distance(x[1], x[2]), an) : an) + margin);
  };
  return row_loss<T, 3>(triplet_op, rows_of<T, 3>({std::move(anchor), std::move(positive), std::move(negative)}),
                        weights, divisor_of(o.reduction, weights), o.reduction, of_row, composed);
}

#define WENGERT_INSTANTIATE(T)                                                                                    \
  template Variable<T> cosine_embedding(Variable<T>, std::type_identity_t<Variable<T>>,                           \
                                        std::type_identity_t<Variable<T>>, CosineEmbedding<T>);                   \
  template Variable<T> triplet(Variable<T>, std::type_identity_t<Variable<T>>, std::type_identity_t<Variable<T>>, \
                               Triplet<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_embedding() {
  return {declare(cosine_op, and_weights({{"a"}, {"b"}, {"targets", {-1, 1}, Draw::sign}}),
                  and_reduction({{"margin", "number", "0"}}),
                  {"a=[3,4] b=[3,4] targets=[3]", "a=[3,4] b=[3,4] targets=[3] margin=-0.9 reduction=sum",
                   "a=[4,5] b=[4,5] targets=[4] row_weights=[4] mask=[4] margin=-1",
                   "a=[4,5] b=[4,5] targets=[4] reduction=none", "a=[1,3] b=[1,3] targets=[1]",
                   "a=[0,3] b=[0,3] targets=[0] reduction=sum"},
                  [](const auto& a) {
                    const auto w = weighting_of(a);
                    return cosine_embedding(a["a"], a["b"], a["targets"],
                                            {w.reduction, w.row_weights, w.mask, a.number("margin")});
                  })
              .kinks({}),
          declare(triplet_op, and_weights({{"anchor"}, {"positive"}, {"negative"}}),
                  and_reduction({{"margin", "number", "1"}, {"swap", "flag", "false"}}),
                  {"anchor=[3,4] positive=[3,4] negative=[3,4]",
                   "anchor=[5,4] positive=[5,4] negative=[5,4] swap=true margin=2 reduction=sum",
                   "anchor=[4,3] positive=[4,3] negative=[4,3] row_weights=[4] mask=[4] margin=3",
                   "anchor=[4,3] positive=[4,3] negative=[4,3] reduction=none",
                   "anchor=[1,3] positive=[1,3] negative=[1,3]",
                   "anchor=[0,3] positive=[0,3] negative=[0,3] reduction=sum"},
                  [](const auto& a) {
                    const auto w = weighting_of(a);
                    return triplet(a["anchor"], a["positive"], a["negative"],
                                   {w.reduction, w.row_weights, w.mask, a.number("margin"), a.flag("swap")});
                  })
              .kinks({})};
}

}  // namespace wengert::losses
