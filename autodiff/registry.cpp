#include "autodiff/registry.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <mutex>

namespace wengert {
namespace {

/// The place of `name` in a list; a ValueError that says which names there are.
template <class List> std::size_t find(const Declared& d, const char* what, const List& list, const std::string& name) {
  for (std::size_t i = 0; i < list.size(); ++i)
    if (name == list[i].name) return i;
  std::string all;
  for (const auto& other : list) all += (all.empty() ? "" : ", ") + std::string(other.name);
  throw ValueError(std::string(d.op->name) + ": there is no " + what + " " + name +
                   (list.empty() ? "; it takes none" : "; there are: " + all));
}

[[noreturn]] void throw_text(const Declared& d, const Attribute& a, const std::string& text) {
  const std::string type = a.type;
  const char* const wanted = type == "int"      ? "a whole number"
                             : type == "ints"   ? "whole numbers, as 2,3"
                             : type == "number" ? "a number"
                             : type == "flag"   ? "true or false"
                                                : a.type;
  throw ValueError(std::string(d.op->name) + ": " + a.name + "=" + text + " is not " + wanted);
}

/// text as a number of type N, all of it.
template <class N> bool parse(const char* first, const char* last, N& number) {
  if (first != last && *first == '+') ++first;
  const auto [end, error] = std::from_chars(first, last, number);
  return error == std::errc() && end == last;
}
template <class N> bool parse(const std::string& text, N& number) {
  return parse(text.data(), text.data() + text.size(), number);
}

bool parse(const std::string& text, Axes& numbers) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::ptrdiff_t number;
    if (!parse(text.data() + at, text.data() + end, number)) return false;
    numbers.push_back(number);
    at = end + 1;
  }
  return text.empty() || text.back() != ',';
}

bool parse(const std::string& text, bool& flag) {
  flag = text == "true" || text == "1";
  return flag || text == "false" || text == "0";
}

/// Whether `word` is one of "mean|sum|none".
bool is_one_of(const std::string& word, const std::string& words) {
  return !word.empty() && word.find('|') == std::string::npos &&
         ("|" + words + "|").find("|" + word + "|") != std::string::npos;
}

}  // namespace

template <class T>
Arguments<T>::Arguments(const Declared& op) : op_(&op), inputs_(op.inputs.size()), attributes_(op.attributes.size()) {
  for (std::size_t i = 0; i < attributes_.size(); ++i) attributes_[i] = op.attributes[i].fallback;
}

template <class T> void Arguments<T>::set(const std::string& input, Variable<T> value) {
  const std::size_t i = find(*op_, "input", op_->inputs, input);
  if (op_->inputs[i].draw == Draw::index)
    throw ValueError(std::string(op_->op->name) + ": " + input + " takes whole numbers (int64)");
  inputs_[i] = {op_->inputs[i].differentiable() ? std::move(value) : value.detach(), {}, true};
}

template <class T> void Arguments<T>::set(const std::string& input, Labels value) {
  const std::size_t i = find(*op_, "input", op_->inputs, input);
  if (op_->inputs[i].draw != Draw::index)
    throw ValueError(std::string(op_->op->name) + ": " + input + " takes real numbers");
  inputs_[i] = {{}, std::move(value), true};
}

template <class T> void Arguments<T>::set_attribute(const std::string& name, std::string text) {
  const std::size_t i = find(*op_, "attribute", op_->attributes, name);
  const Attribute& a = op_->attributes[i];
  const std::string type = a.type;
  std::ptrdiff_t integer;
  Axes integers;
  double number;
  bool flag;
  const bool good = type == "int"      ? parse(text, integer)
                    : type == "ints"   ? parse(text, integers)
                    : type == "number" ? parse(text, number)
                    : type == "flag"   ? parse(text, flag)
                                       : is_one_of(text, type);
  if (!good) throw_text(*op_, a, text);
  attributes_[i] = std::move(text);
}

template <class T> void Arguments<T>::check_complete() const {
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (!inputs_[i].given && !op_->inputs[i].optional)
      throw ValueError(std::string(op_->op->name) + ": input " + op_->inputs[i].name + " is missing");
}

template <class T> const Variable<T>& Arguments<T>::operator[](const char* input) const {
  return inputs_[find(*op_, "input", op_->inputs, input)].real;
}
template <class T> const Labels& Arguments<T>::indices(const char* input) const {
  return inputs_[find(*op_, "input", op_->inputs, input)].index;
}
template <class T> bool Arguments<T>::has(const char* input) const {
  return inputs_[find(*op_, "input", op_->inputs, input)].given;
}

template <class T> const std::string& Arguments<T>::word(const char* attribute) const {
  return attributes_[find(*op_, "attribute", op_->attributes, attribute)];
}
namespace {
template <class N> N read(const Declared& d, const char* attribute, const std::string& text) {
  N number{};
  if (!parse(text, number)) throw_text(d, d.attributes[find(d, "attribute", d.attributes, attribute)], text);
  return number;
}
}  // namespace
template <class T> std::ptrdiff_t Arguments<T>::integer(const char* a) const {
  return read<std::ptrdiff_t>(*op_, a, word(a));
}
template <class T> Axes Arguments<T>::integers(const char* a) const { return read<Axes>(*op_, a, word(a)); }
template <class T> double Arguments<T>::number(const char* a) const { return read<double>(*op_, a, word(a)); }
template <class T> bool Arguments<T>::flag(const char* a) const { return read<bool>(*op_, a, word(a)); }

template class Arguments<float>;
template class Arguments<double>;

bool Declared::kinked_at_ties() const {
  return std::any_of(inputs.begin(), inputs.end(), [](const Input& i) { return i.draw == Draw::distinct; });
}

std::vector<std::string> Declared::output_names_of(std::size_t outputs) const {
  std::string stem = output_names.back();
  if (!stem.ends_with("_k")) return output_names;
  stem.pop_back();
  std::vector<std::string> names;
  for (std::size_t k = 0; k < outputs; ++k) names.push_back(stem + std::to_string(k));
  return names;
}

// --- the list -----------------------------------------------------------------------------------------------------

namespace {

struct Registered {
  std::mutex mutex;
  std::vector<Declared> ops;
};
Registered& registered() {
  static Registered r;
  return r;
}

std::vector<Declared> built_in() {
  std::vector<Declared> all;
  for (const auto family : {
           declared_elementwise, declared_binary,  declared_reduce,   declared_extremes, declared_statistics,
           declared_cumulative,  declared_softmax, declared_shape,    declared_slice,    declared_join,
           declared_matmul,      declared_solve,   declared_cholesky, declared_index,    declared_gather,
           declared_norm,        declared_random,  declared_conv,     declared_pool,     declared_attention,
           declared_recurrent,   declared_map,
       }) {
    auto ops = family();
    std::move(ops.begin(), ops.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

std::vector<Declared> declared_ops() {
  std::vector<Declared> all = built_in();
  const std::lock_guard lock(registered().mutex);
  all.insert(all.end(), registered().ops.begin(), registered().ops.end());
  return all;
}

void register_op(Declared op) {
  const auto same_name = [&](const Declared& other) { return std::strcmp(other.op->name, op.op->name) == 0; };
  const std::vector<Declared> own = built_in();
  const std::lock_guard lock(registered().mutex);
  std::vector<Declared>& ops = registered().ops;
  if (std::any_of(own.begin(), own.end(), same_name) || std::any_of(ops.begin(), ops.end(), same_name))
    throw ValueError(std::string(op.op->name) + ": there is an op of that name already");
  ops.push_back(std::move(op));
}

void unregister_op(const Op* op) noexcept {
  const std::lock_guard lock(registered().mutex);
  std::erase_if(registered().ops, [&](const Declared& d) { return d.op == op; });
}

}  // namespace wengert
