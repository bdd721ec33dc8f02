#include "losses/weighting.hpp"

#include <algorithm>
#include <cstdio>

#include "autodiff/gradient.hpp"
#include "autodiff/map.hpp"

namespace wengert::losses {
namespace {

template <class T> void need_shape(const char* op, const char* what, const Variable<T>& x, const Shape& rows) {
  if (x && x.shape() != rows)
    throw ShapeError(std::string(op) + ": " + what + " is " + to_string(x.shape()) + " but the rows are " +
                     to_string(rows) + "; there must be one a row");
}

template <class T>
void need_stretchable(const char* op, const char* what, const Variable<T>& x, const Shape& elements) {
  if (!x) return;
  const Shape& s = x.shape();
  bool fits = s.size() == elements.size();
  for (std::size_t i = 0; fits && i < s.size(); ++i) fits = s[i] == elements[i] || s[i] == 1;
  if (!fits)
    throw ShapeError(std::string(op) + ": " + what + " is " + to_string(s) + " but the elements are " +
                     to_string(elements) +
                     "; it must have their shape, or extent 1 along axes along which it is the same");
}

void need_rows(const char* op, const Shape& rows, Reduction reduction) {
  if (count(rows) == 0 && reduction == Reduction::mean)
    throw ValueError(std::string(op) + ": there are no rows, " + to_string(rows) +
                     ", to take the mean of; reduce by sum, or skip the batch");
}

template <class T> void need_weights(const char* op, const Variable<T>& weights) {
  if (!weights) return;
  const T *const first = weights.data(), *const last = first + weights.size();
  const T* const bad = std::find_if(first, last, [](T w) { return !(w >= 0 && w - w == 0); });
  if (bad != last)
    throw ValueError(std::string(op) + ": the weight of row " + name_of_element(bad - first, weights.shape()) + " is " +
                     text_of(*bad) + "; weights must be finite and not negative");
}

}  // namespace

std::string name_of_element(std::size_t index, const Shape& shape) {
  std::string text;
  for (std::size_t i = shape.size(); i-- > 0; index /= shape[i])
    text = std::to_string(index % shape[i]) + (text.empty() ? "" : ",") + text;
  return shape.size() == 1 ? text : "[" + text + "]";
}

template <class T> Variable<T> constant(Variable<T> x) { return edge(x) ? x.detach() : x; }

std::string text_of(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", x);
  return text;
}

Shape with_axis(Shape rows, std::size_t axis) {
  rows.push_back(1);
  std::rotate(rows.begin() + static_cast<std::ptrdiff_t>(axis), rows.end() - 1, rows.end());
  return rows;
}

void need_number(const char* op, bool holds, const std::string& what, double value, const char* range) {
  if (!holds) throw ValueError(std::string(op) + ": " + what + " is " + text_of(value) + "; it must be " + range);
}

void RowWeights::silence(std::size_t i, std::size_t n) {
  if (weight.empty()) weight.assign(n, 1.);
  weight[i] = 0;
}

void RowWeights::leave_out(std::size_t i, std::size_t n) {
  silence(i, n);
  --counted;
}

template <class T>
RowWeights row_weights(const char* op, const Shape& rows, Reduction reduction, const Variable<T>& weights,
                       const Variable<T>& mask) {
  const std::size_t n = count(rows);
  need_shape(op, "row_weights", weights, rows);
  need_shape(op, "mask", mask, rows);
  need_rows(op, rows, reduction);
  need_weights(op, weights);
  RowWeights result{{}, n};
  if (weights) result.weight.assign(weights.data(), weights.data() + n);
  if (mask)
    for (std::size_t i = 0; i < n; ++i)
      if (mask.data()[i] == 0) result.leave_out(i, n);
  return result;
}

template <class T> ElementWeights<T> element_weights(const char* op, const Shape& elements, const Weighting<T>& o) {
  need_stretchable(op, "row_weights", o.row_weights, elements);
  need_stretchable(op, "mask", o.mask, elements);
  need_rows(op, elements, o.reduction);
  need_weights(op, o.row_weights);
  ElementWeights<T> result{o.row_weights ? constant(o.row_weights) : o.row_weights};
  auto counted = static_cast<double>(count(elements));
  if (o.mask) {
    const NoGrad constant;
    result.weight = map([](auto w, auto m) { return select(m != 0, w, 0); },
                        result.weight ? result.weight : Variable<T>(T(1)), o.mask);
    const T* const mask = o.mask.data();
    const auto set = std::count_if(mask, mask + o.mask.size(), [](T m) { return m != 0; });
    counted = counted * static_cast<double>(set) / static_cast<double>(o.mask.size());
  }
  if (o.reduction == Reduction::mean) result.scale = counted > 0 ? 1 / counted : 0;
  return result;
}

#define WENGERT_INSTANTIATE(T)                                                                                   \
  template RowWeights row_weights(const char*, const Shape&, Reduction, const Variable<T>&, const Variable<T>&); \
  template Variable<T> constant(Variable<T>);                                                                    \
  template ElementWeights<T> element_weights(const char*, const Shape&, const Weighting<T>&);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

}  // namespace wengert::losses
