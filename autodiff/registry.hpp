// The list of ops, and what each says of itself. A family declares its own beside their code; the tests, the checker,
// the tools and docs/ops.md walk the list, and call an op by the names of its inputs and attributes:
//
//   declare(softmax_op, {{"x"}}, {{"axis", "int", "-1"}},                        name, inputs, attributes
//           {"x=[3,4]", "x=[5,3] axis=0"},                                      samples: calls that the checker makes
//           [](const auto& a) { return softmax(a["x"], a.integer("axis")); })   the call, for both types
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autodiff/op.hpp"
#include "autodiff/variable.hpp"

namespace wengert {

/// How the checker draws an input.
enum class Draw {
  uniform,            ///< from the domain
  distinct,           ///< from the domain, no two entries close, of several such inputs neither: no ties for a maximum
  constant,           ///< as uniform; no gradient is defined for it
  mask,               ///< 0 or 1; no gradient
  sign,               ///< -1 or 1; no gradient
  index,              ///< int64 from the domain, both ends included; repeated ones are likely
  regular,            ///< square matrices far from singular, of positive determinant
  positive_definite,  ///< symmetric ones
};

struct Input {
  const char* name;
  Domain domain{-2, 2};
  Draw draw = Draw::uniform;
  bool optional = false;

  bool differentiable() const {
    return draw != Draw::constant && draw != Draw::mask && draw != Draw::sign && draw != Draw::index;
  }
};

struct Attribute {
  const char* name;
  const char* type;      ///< "int", "ints", "number", "flag", or the words it may be: "mean|sum|none"
  const char* fallback;  ///< the value if it is not given, as one would type it; "" where there is none
  const char* meaning = "";
};

/// A function of variables alone.
template <class T> using Function = std::function<Variable<T>(const std::vector<Variable<T>>&)>;

struct Declared;

/// The arguments of one call, by name. Texts of attributes are those of a command line: "-1", "2,2", "0.5", "true".
template <class T> class Arguments {
 public:
  explicit Arguments(const Declared& op);

  // To fill them in. A ValueError names the op and what there is instead: of a name that is none, of a text that is
  // not of the attribute's type, of an index input given as real numbers or the other way round.
  void set(const std::string& input, Variable<T> value);
  void set(const std::string& input, Labels value);
  void set_attribute(const std::string& name, std::string text);
  /// A ValueError if an input that is not optional has not been given.
  void check_complete() const;

  // To read them, in the op's call. Those of constants and masks have no gradient.
  const Variable<T>& operator[](const char* input) const;  ///< an empty handle if it was not given
  const Labels& indices(const char* input) const;
  bool has(const char* input) const;
  std::ptrdiff_t integer(const char* attribute) const;
  Axes integers(const char* attribute) const;
  double number(const char* attribute) const;
  bool flag(const char* attribute) const;
  const std::string& word(const char* attribute) const;

 private:
  struct Value {
    Variable<T> real;
    Labels index;
    bool given = false;
  };
  const Declared* op_;
  std::vector<Value> inputs_;            // one an input
  std::vector<std::string> attributes_;  // one an attribute
};

extern template class Arguments<float>;
extern template class Arguments<double>;

/// An op by its arguments; most have one output.
template <class T> using Call = std::function<std::vector<Variable<T>>(const Arguments<T>&)>;

struct Declared {
  const Op* op;
  std::vector<Input> inputs;
  std::vector<Attribute> attributes;
  std::vector<std::string> samples;  ///< "x=[5,3] axis=0": a shape for an input, a text for an attribute
  Call<float> f32;
  Call<double> f64;
  std::vector<double> kinks_at = {};              ///< where the derivative jumps: no input is drawn near these values
  std::vector<std::string> output_names = {"y"};  ///< "y_k" alone: as many as come out, y_0, y_1, ..

  bool kinked_at_ties() const;
  /// Of the outputs of a call that had so many.
  std::vector<std::string> output_names_of(std::size_t outputs) const;
  Declared&& kinks(std::vector<double> at) && {
    kinks_at = std::move(at);
    return std::move(*this);
  }
  Declared&& outputs(std::vector<std::string> names) && {
    output_names = std::move(names);
    return std::move(*this);
  }
  template <class T> const Call<T>& call() const {
    if constexpr (sizeof(T) == 4)
      return f32;
    else
      return f64;
  }
};

/// A declaration from a generic lambda over the arguments, which returns a variable, or a vector of them.
template <class F>
Declared declare(const Op& op, std::vector<Input> inputs, std::vector<Attribute> attributes,
                 std::vector<std::string> samples, F f) {
  const auto call = [f](const auto& arguments) {
    auto y = f(arguments);
    if constexpr (requires { y.begin(); })
      return y;
    else
      return std::vector{std::move(y)};
  };
  Declared d{&op, std::move(inputs), std::move(attributes), std::move(samples), call, call};
  if (op.kinked && !d.kinked_at_ties()) d.kinks_at = {0};
  return d;
}

/// All ops of autodiff/, and those that were registered.
std::vector<Declared> declared_ops();

/// Adds an op of one's own to the list, until it is taken off. A ValueError if the name is taken. See custom.hpp.
void register_op(Declared op);
void unregister_op(const Op* op) noexcept;

// Of each family, in its own file.
std::vector<Declared> declared_elementwise();
std::vector<Declared> declared_binary();
std::vector<Declared> declared_reduce();
std::vector<Declared> declared_extremes();
std::vector<Declared> declared_statistics();
std::vector<Declared> declared_cumulative();
std::vector<Declared> declared_softmax();
std::vector<Declared> declared_shape();
std::vector<Declared> declared_slice();
std::vector<Declared> declared_join();
std::vector<Declared> declared_matmul();
std::vector<Declared> declared_solve();
std::vector<Declared> declared_cholesky();
std::vector<Declared> declared_index();
std::vector<Declared> declared_gather();
std::vector<Declared> declared_norm();
std::vector<Declared> declared_random();
std::vector<Declared> declared_conv();
std::vector<Declared> declared_pool();
std::vector<Declared> declared_attention();
std::vector<Declared> declared_recurrent();
std::vector<Declared> declared_map();

}  // namespace wengert
