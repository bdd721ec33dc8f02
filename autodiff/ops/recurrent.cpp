#include "autodiff/ops/recurrent.hpp"

#include "autodiff/ops/matmul.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

constexpr Op lstm_cell_op{"lstm_cell", "c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c')", {-1, 1}},
    gru_cell_op{"gru_cell", "h' = (1 - z) n + z h", {-1, 1}};

/// H, if x is [N,in], h [N,H], the weights [gates H,in] and [gates H,H], the biases, if any, [gates H].
template <class T>
std::size_t checked_width(const char* op, std::size_t gates, const Variable<T>& x, const Variable<T>& h,
                          const Variable<T>& w_ih, const Variable<T>& w_hh, const Variable<T>& b_ih,
                          const Variable<T>& b_hh) {
  if (x.rank() != 2) throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + "; it must be [N,in]");
  if (h.rank() != 2 || h.shape()[0] != x.shape()[0])
    throw ShapeError(std::string(op) + ": x is " + to_string(x.shape()) + " but h is " + to_string(h.shape()) +
                     "; h must be [" + std::to_string(x.shape()[0]) + ",H]");
  const std::size_t width = h.shape()[1];
  const auto need = [&](const char* name, const Variable<T>& p, const Shape& shape, const char* columns) {
    if (p.shape() != shape)
      throw ShapeError(std::string(op) + ": " + name + " is " + to_string(p.shape()) + " but x is " +
                       to_string(x.shape()) + " and h is " + to_string(h.shape()) + "; " + name + " must be [" +
                       std::to_string(gates) + "H" + columns + "] = " + to_string(shape));
  };
  need("w_ih", w_ih, {gates * width, x.shape()[1]}, ",in");
  need("w_hh", w_hh, {gates * width, width}, ",H");
  if (b_ih) need("b_ih", b_ih, {gates * width}, "");
  if (b_hh) need("b_hh", b_hh, {gates * width}, "");
  return width;
}

/// The k-th part, [N,width].
template <class T> Variable<T> gate(const Variable<T>& gates, std::size_t k, std::size_t width) {
  const auto w = static_cast<std::ptrdiff_t>(width), i = static_cast<std::ptrdiff_t>(k);
  return slice(gates, {{}, {i * w, (i + 1) * w}});
}

}  // namespace

template <class T>
LstmState<T> lstm_cell(Variable<T> x, LstmState<T> state, Variable<T> w_ih, Variable<T> w_hh, Variable<T> b_ih,
                       Variable<T> b_hh) {
  const auto [h, c] = state;
  const std::size_t width = checked_width("lstm_cell", 4, x, h, w_ih, w_hh, b_ih, b_hh);
  if (c.shape() != h.shape())
    throw ShapeError("lstm_cell: h is " + to_string(h.shape()) + " but c is " + to_string(c.shape()) +
                     "; they must be equal");
  // Beside the products these ops cost 3 to 9 percent (N = 16 to 256, H = 64 to 512): a fused node would have little to win.
  const Variable<T> gates = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh);
  const Variable<T> i = sigmoid(gate(gates, 0, width)), f = sigmoid(gate(gates, 1, width)),
                    g = tanh(gate(gates, 2, width)), o = sigmoid(gate(gates, 3, width));
  const Variable<T> next = f * c + i * g;
  return {o * tanh(next), next};
}

template <class T>
Variable<T> gru_cell(Variable<T> x, Variable<T> h, Variable<T> w_ih, Variable<T> w_hh, Variable<T> b_ih,
                     Variable<T> b_hh) {
  const std::size_t width = checked_width("gru_cell", 3, x, h, w_ih, w_hh, b_ih, b_hh);
  const Variable<T> a = linear(x, w_ih, b_ih), u = linear(h, w_hh, b_hh);
  const Variable<T> r = sigmoid(gate(a, 0, width) + gate(u, 0, width)),
                    z = sigmoid(gate(a, 1, width) + gate(u, 1, width)),
                    n = tanh(gate(a, 2, width) + r * gate(u, 2, width));
  return n + z * (h - n);
}

#define WENGERT_INSTANTIATE(T)                                                                                    \
  template LstmState<T> lstm_cell(Variable<T>, LstmState<T>, Variable<T>, Variable<T>, Variable<T>, Variable<T>); \
  template Variable<T> gru_cell(Variable<T>, Variable<T>, Variable<T>, Variable<T>, Variable<T>, Variable<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_recurrent() {
  const Domain small{-1, 1};
  const Input x{"x", small}, h{"h", small}, w_ih{"w_ih", small}, w_hh{"w_hh", small},
      b_ih{"b_ih", small, Draw::uniform, true}, b_hh{"b_hh", small, Draw::uniform, true};
  return {declare(lstm_cell_op, {x, h, {"c", small}, w_ih, w_hh, b_ih, b_hh}, {},
                  {"x=[2,3] h=[2,2] c=[2,2] w_ih=[8,3] w_hh=[8,2] b_ih=[8] b_hh=[8]",
                   "x=[1,2] h=[1,3] c=[1,3] w_ih=[12,2] w_hh=[12,3]",
                   "x=[0,3] h=[0,2] c=[0,2] w_ih=[8,3] w_hh=[8,2] b_ih=[8] b_hh=[8]"},
                  [](const auto& a) {
                    auto s = lstm_cell(a["x"], {a["h"], a["c"]}, a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]);
                    return std::vector{std::move(s.h), std::move(s.c)};
                  })
              .outputs({"h", "c"}),
          declare(gru_cell_op, {x, h, w_ih, w_hh, b_ih, b_hh}, {},
                  {"x=[2,3] h=[2,2] w_ih=[6,3] w_hh=[6,2] b_ih=[6] b_hh=[6]", "x=[1,2] h=[1,3] w_ih=[9,2] w_hh=[9,3]",
                   "x=[0,3] h=[0,2] w_ih=[6,3] w_hh=[6,2] b_ih=[6] b_hh=[6]"},
                  [](const auto& a) { return gru_cell(a["x"], a["h"], a["w_ih"], a["w_hh"], a["b_ih"], a["b_hh"]); })};
}

}  // namespace wengert
