// For losses that hold a softmax without having computed it by softmax().
#pragma once

#include "autodiff/gradient.hpp"

namespace wengert {

/// Records y, which is the softmax along `axis` of the input that gx leads to.
template <class T> void record_softmax(Variable<T>& y, Edge<T> gx, std::size_t axis);

}  // namespace wengert
