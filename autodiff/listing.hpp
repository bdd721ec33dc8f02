// A tape as lines, for print() and to_dot(). Internal to autodiff/.
#pragma once

#include "autodiff/print.hpp"

namespace wengert {

bool is_empty(const AnyVariable& v);
const Shape& shape_of(const AnyVariable& v);
/// "2", of any number; 4 digits.
std::string number_text(double x);

/// All that is known of the nodes of a tape.
class Listing {
 public:
  static constexpr std::size_t none = -1;

  struct Operand {
    std::string text;
    std::size_t line = none;    ///< of the node; none for a constant
    AnyVariable constant = {};  ///< empty if it is not known
  };
  struct Line {
    std::string name, op, type;
    enum { parameter, result, freed } kind;
    std::vector<Operand> inputs;
    std::vector<std::string> saves;
    AnyVariable value, adjoint;  ///< empty if they are not known
    bool used = false;           ///< by another node

    /// Where backward begins: a number that nothing has been made of.
    bool is_loss() const;
  };

  Listing(const Tape& tape, const PrintOptions& options);

  const std::vector<Line>& lines() const { return lines_; }
  /// What is missing, and how to see it next time; "" if nothing is.
  const std::string& remark() const { return remark_; }

 private:
  template <class T> std::size_t line_of(const Variable<T>& v) const;
  std::size_t line_of(const AnyVariable& v) const;
  void set_names(const Names& names);
  void set_values(const std::vector<Description>& said);
  void set_operands(std::size_t line, const Description& said);
  Operand operand(const AnyVariable& v) const;
  void set_remark(const PrintOptions& options);

  const Tape& tape_;
  std::vector<Node*> nodes_;
  std::unordered_map<const void*, std::size_t> numbers_;    // of nodes and of the blocks of parameters
  std::unordered_map<const void*, std::string> constants_;  // names, by block
  std::vector<Line> lines_;
  std::string remark_;
};

}  // namespace wengert
