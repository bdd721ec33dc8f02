#include "autodiff/registry.hpp"

#include <iterator>

namespace wengert {

std::vector<Declared> declared_ops() {
  std::vector<Declared> all;
  for (const auto family :
       {declared_elementwise, declared_binary, declared_reduce, declared_shape, declared_matmul, declared_index}) {
    auto ops = family();
    std::move(ops.begin(), ops.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace wengert
