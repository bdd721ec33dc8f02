// The table of ops: for each row a call of one op, by ours and by libtorch, on the same numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/contenders.hpp"

namespace bench {

/// A row: an op of the registry, and a call of it as autodiff/sample.hpp reads it, except that below=N lets indices
/// run from 0 to N - 1.
struct OpRow {
  std::string op, call;
  enum { large, small } size;
  enum { entries, random } check = entries;  ///< random: only the mean of value and gradients is compared
};

/// An input, as both sides get it.
struct OpInput {
  enum { absent, parameter, constant, mask, index } kind = absent;
  std::vector<std::int64_t> shape;
  std::vector<float> real;
  std::vector<std::int64_t> indices;
};

/// One side of a row. Of several outputs, the sum is what goes on.
struct OpContender {
  Work work;                                                ///< forward, and backward from a given upstream gradient
  std::function<std::vector<std::vector<float>>()> answer;  ///< the value, and the gradient of each parameter
};

/// The upstream gradient of n numbers: not all the same, which the gradients of softmax and others would turn into 0.
inline std::vector<float> upstream(std::size_t n) { return numbers(n, 7, 0.5, 1.5); }

namespace libtorch {
std::vector<OpRow> op_rows();
/// For the row of that number; the inputs in the order of the declaration.
OpContender op(std::size_t row, const std::vector<OpInput>& inputs);
std::string instruction_set();
}  // namespace libtorch

}  // namespace bench
