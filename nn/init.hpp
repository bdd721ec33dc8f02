// Weights to start from. Their variance is chosen so that signals, forward, or gradients, backward, keep
// their size from layer to layer. Shapes are [out,in], or [out,in,...] for a convolution, the rest being its
// kernel:
//
//   fan_in  = in  times the size of the kernel     how many terms make one output
//   fan_out = out times the size of the kernel     how many terms make one gradient of an input
//
// float32 or float64; drawn in double and then rounded, row by row: the same seed gives the same bits on
// every machine. A ShapeError for fewer than two axes.
#pragma once

#include "autodiff/array.hpp"
#include "nn/random.hpp"

namespace wengert::nn {

/// For ReLU: variance 2/fan_in, since half of the terms are cut to 0. K. He, X. Zhang, S. Ren, J. Sun,
/// "Delving deep into rectifiers", ICCV 2015. Uniform in [-a, a) with a = sqrt(6/fan_in), or normal.
template <class T = float> Array<T> he_uniform(const Shape& shape, Random& random);
template <class T = float> Array<T> he_normal(const Shape& shape, Random& random);

/// For tanh and linear layers: variance 2/(fan_in + fan_out), the mean of what forward and backward ask for.
/// X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
/// 2010. Uniform in [-a, a) with a = sqrt(6/(fan_in + fan_out)), or normal.
template <class T = float> Array<T> glorot_uniform(const Shape& shape, Random& random);
template <class T = float> Array<T> glorot_normal(const Shape& shape, Random& random);

}  // namespace wengert::nn
