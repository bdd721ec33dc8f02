// eval: an op or a loss on arrays from files. L = the sum over the outputs of upstream * output is what is differentiated.
#include <algorithm>

#include "autodiff/derivatives.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/tape.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/named.hpp"
#include "tools/gradcheck/npy.hpp"

namespace wengert::tool {
namespace {

/// All that was said, the files of the arrays read.
struct Request {
  const Declared& op;
  std::vector<Named> inputs, attributes, upstreams, outputs, gradients, tangents, hvps;
  std::vector<Npy> input_arrays, upstream_arrays, tangent_arrays;  // in that order
};

template <class List> std::string names_of(const List& list) {
  std::string text;
  for (const std::string& name : list) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const Input& input_of(const Declared& d, const Named& named) {
  std::vector<std::string> names;
  for (const Input& input : d.inputs) {
    if (named.name == input.name) return input;
    names.push_back(input.name);
  }
  throw InputError(named.said + ": " + d.op->name + " has no input " + named.name + "; it has " + names_of(names));
}

/// Those that name outputs: of an op with one output, the value alone will do.
std::vector<Named> parse_outputs(const Declared& d, const std::string& flag, const std::vector<std::string>& texts) {
  const std::vector<std::string> names = d.output_names_of(1);
  if (d.output_names.size() > 1 || names != d.output_names || texts.empty() || texts[0].starts_with(names[0] + "="))
    return parse_named(flag, texts);
  if (texts.size() > 1)
    throw InputError(flag + " " + texts[1] + ": " + d.op->name + " has one output, and " + texts[0] + " was given");
  return {{names[0], texts[0], flag + " " + texts[0]}};
}

/// That an op with outputs of these names has those that are named.
void check_outputs(const Declared& d, const std::vector<Named>& named, const std::vector<std::string>& names) {
  for (const Named& one : named)
    if (std::find(names.begin(), names.end(), one.name) == names.end())
      throw InputError(one.said + ": " + d.op->name + " has no output " + one.name + "; it has " + names_of(names));
}

std::vector<Npy> read_all(const std::vector<Named>& files) {
  std::vector<Npy> all;
  for (const Named& file : files) all.push_back(read_npy(file.value, file.said));
  return all;
}

/// What a gradient or a Hessian product is asked for: an input that was given and has a gradient.
void check_differentiable(const Request& r, const Named& named) {
  if (!input_of(r.op, named).differentiable())
    throw InputError(named.said + ": " + r.op.op->name + " has no gradient with respect to " + named.name);
  if (!find_named(r.inputs, named.name))
    throw InputError(named.said + ": " + named.name + " was not given; --input " + named.name + "=FILE was expected");
}

Request read_request(const Declared& d, const EvalOptions& o) {
  Request r{d,
            parse_named("--input", o.inputs),
            parse_named("--attr", o.attributes),
            parse_outputs(d, "--upstream", o.upstreams),
            parse_outputs(d, "--out", o.outputs),
            parse_named("--grad", o.gradients),
            parse_named("--tangent", o.tangents),
            parse_named("--hvp", o.hvps),
            {},
            {},
            {}};
  for (const Named& input : r.inputs) input_of(d, input);
  for (const auto* list : {&r.gradients, &r.tangents, &r.hvps})
    for (const Named& named : *list) check_differentiable(r, named);
  for (const Named& hvp : r.hvps)
    if (!find_named(r.tangents, hvp.name))
      throw InputError(hvp.said + ": " + hvp.name + " has no tangent; --tangent " + hvp.name + "=FILE was expected");
  if (!r.tangents.empty() && r.hvps.empty())
    throw InputError(r.tangents[0].said + ": is for a Hessian product; --hvp NAME=FILE was expected");
  if (r.outputs.empty() && r.gradients.empty() && r.hvps.empty())
    throw InputError(std::string(d.op->name) + ": nothing is asked for; --out, --grad or --hvp was expected");
  r.input_arrays = read_all(r.inputs);
  r.upstream_arrays = read_all(r.upstreams);
  r.tangent_arrays = read_all(r.tangents);
  return r;
}

/// Real numbers as T.
template <class T> Array<T> real(const Npy& npy, const std::string& said) {
  if (const auto* f32 = std::get_if<Array<float>>(&npy.values)) return xt::cast<T>(*f32);
  if (const auto* f64 = std::get_if<Array<double>>(&npy.values)) return xt::cast<T>(*f64);
  throw InputError(said + ": is " + npy.dtype + "; float32 or float64 was expected");
}

template <class T> void set(Arguments<T>& arguments, const Input& input, const Npy& npy, const std::string& said) {
  const auto* whole = std::get_if<Labels>(&npy.values);
  if (input.draw == Draw::index) {
    if (!whole || npy.dtype == "bool")
      throw InputError(said + ": is " + npy.dtype + "; whole numbers (int64, int32, ...) were expected");
    arguments.set(input.name, *whole);
  } else if (whole && (input.draw == Draw::sign || input.draw == Draw::mask)) {
    arguments.set(input.name, Variable<T>(Array<T>(xt::cast<T>(*whole))));
  } else {
    arguments.set(input.name, Variable<T>(real<T>(npy, said)));
  }
}

template <class T> Arguments<T> arguments_of(const Request& r) {
  Arguments<T> arguments(r.op);
  for (const Named& attribute : r.attributes) arguments.set_attribute(attribute.name, attribute.value);
  for (std::size_t i = 0; i < r.inputs.size(); ++i)
    set(arguments, input_of(r.op, r.inputs[i]), r.input_arrays[i], r.inputs[i].said);
  arguments.check_complete();
  return arguments;
}

/// Of each output; ones where it was not given.
template <class T>
std::vector<Variable<T>> upstreams_of(const Request& r, const std::vector<Variable<T>>& outputs,
                                      const std::vector<std::string>& names) {
  std::vector<Variable<T>> all;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Named* const given = find_named(r.upstreams, names[i]);
    if (!given) {
      all.push_back(Array<T>(outputs[i].shape(), T(1)));
      continue;
    }
    Array<T> u = real<T>(r.upstream_arrays[static_cast<std::size_t>(given - r.upstreams.data())], given->said);
    if (u.shape() != outputs[i].shape())
      throw InputError(given->said + ": is " + to_string(u.shape()) + "; " + to_string(outputs[i].shape()) +
                       ", the shape of " + names[i] + ", was expected");
    all.push_back(std::move(u));
  }
  return all;
}

/// f(x) = L as a function of the inputs named; the others are constant.
template <class T>
Function<T> loss_of(const Request& r, const Arguments<T>& arguments, const std::vector<Variable<T>>& upstreams,
                    const std::vector<Named>& names) {
  return [&](const std::vector<Variable<T>>& x) {
    Arguments<T> own = arguments;
    for (std::size_t i = 0; i < names.size(); ++i) own.set(names[i].name, x[i]);
    const std::vector<Variable<T>> outputs = r.op.call<T>()(own);
    Variable<T> loss = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) loss += sum(outputs[i] * upstreams[i]);
    return loss;
  };
}

template <class T> std::vector<Variable<T>> gradients_of(const Function<T>& f, const std::vector<Variable<T>>& x) {
  std::vector<Variable<T>> own;
  for (const Variable<T>& input : x) own.push_back(parameter(input.value()));
  Tape tape;
  const Variable<T> y = f(own);
  if (tape.node_of(y)) return tape.gradient(y, own);
  for (Variable<T>& input : own) input = Array<T>(input.shape(), T(0));  // it depends on none of them
  return own;
}

template <class T> std::vector<Variable<T>> values_of(const Arguments<T>& arguments, const std::vector<Named>& names) {
  std::vector<Variable<T>> values;
  for (const Named& named : names) values.push_back(arguments[named.name.c_str()]);
  return values;
}

template <class T> void evaluate(const Request& r, Outputs& files) {
  const auto write = [&](const Named& to, const Variable<T>& value) {
    files.add(to.said, to.value, npy_bytes(value.value()));
  };
  const Arguments<T> arguments = arguments_of<T>(r);
  const std::vector<Variable<T>> outputs = r.op.call<T>()(arguments);
  const std::vector<std::string> names = r.op.output_names_of(outputs.size());
  check_outputs(r.op, r.upstreams, names);
  check_outputs(r.op, r.outputs, names);
  const std::vector<Variable<T>> upstreams = upstreams_of(r, outputs, names);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (const Named* const to = find_named(r.outputs, names[i])) write(*to, outputs[i]);

  if (!r.gradients.empty()) {
    const std::vector<Variable<T>> gradients =
        gradients_of(loss_of(r, arguments, upstreams, r.gradients), values_of(arguments, r.gradients));
    for (std::size_t i = 0; i < gradients.size(); ++i) write(r.gradients[i], gradients[i]);
  }
  if (r.hvps.empty()) return;
  const std::vector<Variable<T>> x = values_of(arguments, r.tangents);
  std::vector<Variable<T>> v;
  for (std::size_t i = 0; i < x.size(); ++i) {
    v.push_back(real<T>(r.tangent_arrays[i], r.tangents[i].said));
    if (v[i].shape() != x[i].shape())
      throw InputError(r.tangents[i].said + ": is " + to_string(v[i].shape()) + "; " + to_string(x[i].shape()) +
                       ", the shape of " + r.tangents[i].name + ", was expected");
  }
  const std::vector<Variable<T>> products = hvp(loss_of(r, arguments, upstreams, r.tangents), x, v);
  for (std::size_t i = 0; i < products.size(); ++i)
    if (const Named* const to = find_named(r.hvps, r.tangents[i].name)) write(*to, products[i]);
}

/// Of the first real input, in the order of the declaration; float32 if there is none.
bool is_double(const Request& r) {
  for (const Input& input : r.op.inputs) {
    const Named* const given = find_named(r.inputs, input.name);
    if (given && input.draw != Draw::index && input.draw != Draw::mask && input.draw != Draw::sign)
      return std::holds_alternative<Array<double>>(
          r.input_arrays[static_cast<std::size_t>(given - r.inputs.data())].values);
  }
  return false;
}

}  // namespace

int eval(const EvalOptions& options) {
  const std::vector<Declared> all = all_declared();
  const Request request = read_request(find_declared(all, options.name), options);
  Outputs files;
  if (is_double(request))
    evaluate<double>(request, files);
  else
    evaluate<float>(request, files);
  files.commit();
  return good;
}

}  // namespace wengert::tool
