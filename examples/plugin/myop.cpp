// An op of one's own, as gradcheck finds it: static, in a library that includes autodiff/plugin.hpp.
#include <autodiff/autodiff.hpp>
#include <autodiff/plugin.hpp>

using namespace wengert;

// swish: y = x / (1 + e^(-b x)),   b one number
//
//   s = sigmoid(b x),   y = x s
//   dy = (s + b x s (1 - s)) dx + x^2 s (1 - s) db
//
// Forward computes with arrays. The rule returns a gradient for x and one for b; written with ops, it has a gradient
// itself, and so the op has a Hessian.
static const CustomOp swish(
    "swish", "y = x / (1 + e^(-b x))",              // name, formula
    {{"x", {-3, 3}}, {"b", {0.5, 2}}},              // inputs, and where they are drawn from
    {"x=[3,4] b=[]", "x=[] b=[]", "x=[0,3] b=[]"},  // shapes that are checked
    [](const auto& in) { return in[0] / (1 + xt::exp(-in[1](0) * in[0])); },
    [](const auto& g, const auto& in, const auto&) {
      const auto s = sigmoid(in[1] * in[0]), slope = s * (1 - s);
      return std::vector{g * (s + in[1] * in[0] * slope), sum(g * square(in[0]) * slope)};
    });
