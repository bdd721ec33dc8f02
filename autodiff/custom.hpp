// An op of one's own: a forward over arrays, computed with whatever one likes, and a rule over variables.
//
//   const CustomOp cube("cube", "y = x^3", {{"x"}}, {"x=[3,4]"},
//                       [](const auto& x) { return x[0] * x[0] * x[0]; },
//                       [](const auto& g, const auto& x, const auto&) { return std::vector{3 * g * square(x[0])}; });
//   y = cube(x);
//
// Forward gets the values of the inputs, x[i] a const Array<T>&, and returns an xtensor expression. The rule gets the
// gradient g of the result, the inputs and the result as variables, and returns a gradient for every input, in its
// shape. Written with ops, it is recorded under create_graph, and the op has derivatives of any order.
//
// While it lives, the op is in the list of declared ops: the checker draws inputs as declared and checks the samples.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>

#include "autodiff/registry.hpp"

namespace wengert {

/// The values of an op's inputs.
template <class T> class Arrays {
 public:
  explicit Arrays(const std::vector<Variable<T>>& x) : x_(x) {}
  const Array<T>& operator[](std::size_t i) const { return x_.at(i).value(); }
  std::size_t size() const { return x_.size(); }

 private:
  const std::vector<Variable<T>>& x_;
};

class CustomOp {
 public:
  /// Names of inputs, their domains and what the checker draws are those of Input; samples those of Declared. Both
  /// functions are generic lambdas; one that takes only one of float and double makes an op of that type alone.
  /// A ValueError if an op of that name lives already, or if a sample does not fit the inputs.
  template <class Forward, class Rule>
  CustomOp(std::string name, std::string formula, std::vector<Input> inputs, std::vector<std::string> samples,
           Forward forward, Rule rule)
      : CustomOp(std::make_shared<Definition>(Definition{std::move(name),
                                                         std::move(formula),
                                                         {},
                                                         std::move(inputs),
                                                         functions<float>(forward, rule),
                                                         functions<double>(forward, rule)}),
                 std::move(samples)) {}
  ~CustomOp();
  CustomOp(const CustomOp&) = delete;
  CustomOp& operator=(const CustomOp&) = delete;

  /// Applies it. A ValueError for another number of inputs. In backward, a ShapeError for a gradient of another shape
  /// than its input's, a TapeError for one that is missing; an input that is declared Draw::constant needs none.
  template <class T> Variable<T> operator()(std::vector<Variable<T>> x) const {
    return apply(definition_, std::move(x));
  }
  template <class T, std::same_as<Variable<T>>... More> Variable<T> operator()(Variable<T> x, More... more) const {
    return (*this)(std::vector{std::move(x), std::move(more)...});
  }

 private:
  template <class T> struct Functions {
    std::function<Array<T>(const Arrays<T>&)> forward;  // empty if there is none for this type
    std::function<std::vector<Variable<T>>(const Variable<T>& g, const std::vector<Variable<T>>& x,
                                           const Variable<T>& y)>
        rule;
  };
  struct Definition {
    std::string name, formula;
    Op op;
    std::vector<Input> inputs;
    Functions<float> f32;
    Functions<double> f64;
    template <class T> const Functions<T>& functions() const {
      if constexpr (std::is_same_v<T, float>)
        return f32;
      else
        return f64;
    }
  };

  template <class T, class Forward, class Rule>
  static Functions<T> functions(const Forward& forward, const Rule& rule) {
    using V = Variable<T>;
    if constexpr (std::is_invocable_v<Forward, const Arrays<T>&> &&
                  std::is_invocable_v<Rule, const V&, const std::vector<V>&, const V&>)
      return {[forward](const Arrays<T>& x) { return Array<T>(forward(x)); }, rule};
    else
      return {};
  }

  CustomOp(std::shared_ptr<Definition> definition, std::vector<std::string> samples);
  template <class T>
  static Variable<T> apply(const std::shared_ptr<const Definition>& definition, std::vector<Variable<T>> x);

  std::shared_ptr<const Definition> definition_;
};

}  // namespace wengert
