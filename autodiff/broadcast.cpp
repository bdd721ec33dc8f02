#include "autodiff/broadcast.hpp"

#include <algorithm>

namespace wengert {

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b, const char* name_a, const char* name_b) {
  if (a == b) return a;
  const std::size_t rank = std::max(a.size(), b.size());
  Shape result(rank);
  for (std::size_t i = 1; i <= rank; ++i) {
    const std::size_t ea = i <= a.size() ? a[a.size() - i] : 1, eb = i <= b.size() ? b[b.size() - i] : 1;
    if (ea != eb && ea != 1 && eb != 1) {
      const auto extent = [](const char* name, std::size_t axis, std::size_t e) {
        return name + (".shape[" + std::to_string(axis) + "] = ") + std::to_string(e);
      };
      throw ShapeError(std::string(op) + ": " + name_a + " is " + to_string(a) + " but " + name_b + " is " +
                       to_string(b) + "; " + extent(name_a, a.size() - i, ea) + " and " +
                       extent(name_b, b.size() - i, eb) + " must be equal, or one of them 1");
    }
    result[rank - i] = ea == 1 ? eb : ea;
  }
  return result;
}

Broadcast::Broadcast(const Shape& a, const Shape& b, const Shape& result) {
  if (result.size() > max_rank) throw ShapeError("broadcast: " + to_string(result) + " has more than 32 axes");
  Index step[2] = {1, 1};
  for (std::size_t i = 1; i <= result.size(); ++i) {
    const auto extent = static_cast<Index>(result[result.size() - i]);
    size_ *= extent;
    if (extent == 1) continue;
    Index stride[2];
    for (int k = 0; k < 2; ++k) {
      const Shape& s = k ? b : a;
      const bool stands = i > s.size() || s[s.size() - i] == 1;
      stride[k] = stands ? 0 : step[k];
      if (!stands) step[k] *= extent;
    }
    const int last = rank_ - 1;
    if (rank_ > 0 && stride[0] == stride_[0][last] * extent_[last] && stride[1] == stride_[1][last] * extent_[last]) {
      extent_[last] *= extent;
    } else {
      extent_[rank_] = extent;
      stride_[0][rank_] = stride[0];
      stride_[1][rank_] = stride[1];
      ++rank_;
    }
  }
  if (rank_ > 0 && stride_[0][0] == 0) columns_of_ = kernels::Columns::b;
  if (rank_ > 0 && stride_[1][0] == 0) columns_of_ = kernels::Columns::a;
  for (int i = rank_; i < 2; ++i) {  // a block has rows and columns
    extent_[i] = 1;
    stride_[0][i] = stride_[1][i] = 0;
  }
}

bool Broadcast::summed(int operand, kernels::Summed& how) const {
  const Index* const stride = stride_[operand];
  for (int i = 2; i < rank_; ++i)
    if (stride[i] == 0) return false;
  const bool along_rows = rank_ > 1 && stride[1] == 0, along_columns = rank_ > 0 && stride[0] == 0;
  if (along_rows && along_columns) return false;
  how = along_rows ? kernels::Summed::rows : along_columns ? kernels::Summed::columns : kernels::Summed::nothing;
  return true;
}

}  // namespace wengert
