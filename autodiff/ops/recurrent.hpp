// Cells of recurrent nets: one step in time. Shapes, and the order of the gates in the weights, are PyTorch's. Biases may
// be left empty. A ShapeError names the shapes that do not fit.
#pragma once

#include "autodiff/variable.hpp"

namespace wengert {

template <class T> struct LstmState {
  Variable<T> h, c;  // [N,H]
};

/// a = x w_ih^T + b_ih + h w_hh^T + b_hh,   in four parts i, f, g, o, [N,H] each:
///
///   c' = sigmoid(f) c + sigmoid(i) tanh(g)      h' = sigmoid(o) tanh(c')
///
/// x [N,in]   w_ih [4H,in]   w_hh [4H,H]   b_ih, b_hh [4H].
/// S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997; with the forget gate of F. Gers et al., 2000.
template <class T>
LstmState<T> lstm_cell(Variable<T> x, LstmState<T> state, Variable<T> w_ih, Variable<T> w_hh, Variable<T> b_ih = {},
                       Variable<T> b_hh = {});

/// a = x w_ih^T + b_ih   and   u = h w_hh^T + b_hh,   in three parts r, z, n, [N,H] each:
///
///   r = sigmoid(a_r + u_r)      z = sigmoid(a_z + u_z)      n = tanh(a_n + r u_n)      h' = (1 - z) n + z h
///
/// x [N,in]   h [N,H]   w_ih [3H,in]   w_hh [3H,H]   b_ih, b_hh [3H].
/// K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; r is applied after the product with
/// w_hh, as in cuDNN and PyTorch.
template <class T>
Variable<T> gru_cell(Variable<T> x, Variable<T> h, Variable<T> w_ih, Variable<T> w_hh, Variable<T> b_ih = {},
                     Variable<T> b_hh = {});

}  // namespace wengert
