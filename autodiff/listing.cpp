#include "autodiff/listing.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace wengert {
namespace {

std::string type_text(const AnyVariable& v, const std::string& shape) {
  return (v.index() == 0 ? "f32" : "f64") + shape;
}

const void* block_of(const AnyVariable& v) {
  return std::visit([](const auto& x) -> const void* { return x.block(); }, v);
}

}  // namespace

bool is_empty(const AnyVariable& v) { return !block_of(v); }

const Shape& shape_of(const AnyVariable& v) {
  return std::visit([](const auto& x) -> const Shape& { return x.shape(); }, v);
}

std::string number_text(double x) {
  if (std::isnan(x)) return "nan";  // of either sign
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

bool Listing::Line::is_loss() const {
  return kind == result && !used && (is_empty(value) || count(shape_of(value)) == 1);
}

Listing::Listing(const Tape& tape, const PrintOptions& options) : tape_(tape) {
  for (Node* n = tape.last_; n; n = n->before) nodes_.push_back(n);
  std::reverse(nodes_.begin(), nodes_.end());
  std::vector<Description> said;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    said.push_back(describe(nodes_[i]));
    numbers_[nodes_[i]] = i;
    if (!is_empty(said[i].result)) numbers_[block_of(said[i].result)] = i;
    Line line;
    line.name = "%" + std::to_string(i);
    line.op = nodes_[i]->op->name;
    line.kind = !is_empty(said[i].result) ? Line::parameter : said[i].shape ? Line::freed : Line::result;
    line.value = said[i].result;
    lines_.push_back(std::move(line));
  }
  set_values(said);
  set_names(options.names);
  for (std::size_t i = 0; i < nodes_.size(); ++i) set_operands(i, said[i]);
  set_remark(options);
}

/// The line of the node that v is the result of.
template <class T> std::size_t Listing::line_of(const Variable<T>& v) const {
  const Block<T>* const b = v.block();
  if (!b || (!b->leaf && (b->tape != tape_.id_ || b->generation != tape_.generation_))) return none;
  const auto found = numbers_.find(b->leaf ? static_cast<const void*>(b) : b->node);
  return found == numbers_.end() ? none : found->second;
}
std::size_t Listing::line_of(const AnyVariable& v) const {
  return std::visit([&](const auto& x) { return line_of(x); }, v);
}

// From the node, from the trace, or from any rule that saves it.
void Listing::set_values(const std::vector<Description>& said) {
  if (tape_.trace_)
    for (const auto& [node, kept] : tape_.trace_->nodes)
      if (const auto found = numbers_.find(node); found != numbers_.end()) {
        Line& line = lines_[found->second];
        if (is_empty(line.value)) line.value = kept.value;
        line.adjoint = kept.adjoint;
      }
  for (const Description& d : said)
    for (const AnyVariable& saved : d.saved)
      if (const std::size_t line = line_of(saved); line != none && is_empty(lines_[line].value))
        lines_[line].value = saved;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    line.type = type_text(line.value, said[i].shape          ? to_string(*said[i].shape)
                                      : is_empty(line.value) ? "[?]"
                                                             : to_string(shape_of(line.value)));
    if (line.kind == Line::parameter && is_empty(line.adjoint))
      std::visit(
          [&]<class T>(const Variable<T>& p) {
            if (!p.has_grad()) return;
            p.block()->gradient->hold();
            line.adjoint = Variable<T>::adopt(p.block()->gradient);
          },
          line.value);
  }
}

void Listing::set_names(const Names& names) {
  for (const auto& [name, value] : names) {
    if (is_empty(value)) continue;
    std::string one_line = name;
    for (char& c : one_line)
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
    if (const std::size_t line = line_of(value); line != none)
      lines_[line].name = one_line;
    else
      constants_[block_of(value)] = one_line;
  }
}

Listing::Operand Listing::operand(const AnyVariable& v) const {
  if (const std::size_t line = line_of(v); line != none) return {lines_[line].name, line};
  if (const auto named = constants_.find(block_of(v)); named != constants_.end()) return {named->second, none, v};
  const Shape& shape = shape_of(v);
  return {shape.size() == 0 ? std::visit([](const auto& x) { return number_text(x.item()); }, v)
                            : type_text(v, to_string(shape)),
          none, v};
}

void Listing::set_operands(std::size_t i, const Description& said) {
  Line& line = lines_[i];
  for (const AnyVariable& saved : said.saved) {
    const std::string text = line_of(saved) == i ? "y" : operand(saved).text;
    if (std::find(line.saves.begin(), line.saves.end(), text) == line.saves.end()) line.saves.push_back(text);
  }

  for (const std::intptr_t input : said.inputs) {
    const auto found = numbers_.find(reinterpret_cast<const void*>(input));
    if (found != numbers_.end())
      line.inputs.push_back({lines_[found->second].name, found->second});
    else if (input < 0)
      line.inputs.push_back(operand(tape_.trace_->constants[static_cast<std::size_t>(-input) - 1]));
    else
      line.inputs.push_back({input != 0 ? "?" : tape_.trace_ ? "-" : "constant"});
  }
  if (!said.complete) line.inputs = {Operand{"?"}};
  if (said.complete && said.inputs.empty())  // a rule that finds its own way to the inputs: checkpoint
    for (const AnyVariable& saved : said.saved)
      if (line_of(saved) != i) line.inputs.push_back(operand(saved));
  for (const Operand& input : line.inputs)
    if (input.line != none) lines_[input.line].used = true;
}

void Listing::set_remark(const PrintOptions& options) {
  const auto any = [&](auto test) { return std::any_of(lines_.begin(), lines_.end(), test); };
  if (lines_.empty())
    remark_ = tape_.generation_ == 0
                  ? "the tape is empty"
                  : "the tape is empty: what was on it has been freed; backward(y, {.retain = true}) keeps it";
  else if (!tape_.trace_ && any([&](const Line& line) {
             return line.kind == Line::result && (is_empty(line.value) || options.adjoints ||
                                                  std::any_of(line.inputs.begin(), line.inputs.end(),
                                                              [](const Operand& x) { return x.text == "constant"; }));
           }))
    remark_ =
        "not traced, so not all of it is known: see more with Tape tape({.trace = true}), or with WENGERT_TRACE=1 in "
        "the environment";
  else if (options.adjoints && !any([](const Line& line) { return !is_empty(line.adjoint); }))
    remark_ = "no adjoints: none has been computed yet, or not by a backward(y, {.retain = true})";
}

}  // namespace wengert
