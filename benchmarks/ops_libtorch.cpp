// The table of ops: what each row calls, and what libtorch does for it; a line a row. Beside libtorch.cpp the only
// file that includes its headers.
#include <torch/torch.h>

#include "benchmarks/ops.hpp"

namespace bench::libtorch {
namespace {

using torch::Tensor;
using X = const std::vector<Tensor>&;
using Axes = torch::IntArrayRef;

struct Row {
  const char *op, *call;
  Tensor (*run)(X);  // the sum, where there are several outputs
  decltype(OpRow::check) check = OpRow::entries;
};

// The layout is by hand: clang-format would indent some rows, and others not.
// clang-format off

// Inputs of about a million elements, or as nets have them.
const Row large[] =
    {
    // element by element
    {"abs", "x=[1024,1024]", [](X x) { return torch::abs(x[0]); }},
    {"neg", "x=[1024,1024]", [](X x) { return torch::neg(x[0]); }},
    {"reciprocal", "x=[1024,1024]", [](X x) { return torch::reciprocal(x[0]); }},
    {"square", "x=[1024,1024]", [](X x) { return torch::square(x[0]); }},
    {"sqrt", "x=[1024,1024]", [](X x) { return torch::sqrt(x[0]); }},
    {"rsqrt", "x=[1024,1024]", [](X x) { return torch::rsqrt(x[0]); }},
    {"exp", "x=[1024,1024]", [](X x) { return torch::exp(x[0]); }},
    {"expm1", "x=[1024,1024]", [](X x) { return torch::expm1(x[0]); }},
    {"log", "x=[1024,1024]", [](X x) { return torch::log(x[0]); }},
    {"log1p", "x=[1024,1024]", [](X x) { return torch::log1p(x[0]); }},
    {"sin", "x=[1024,1024]", [](X x) { return torch::sin(x[0]); }},
    {"cos", "x=[1024,1024]", [](X x) { return torch::cos(x[0]); }},
    {"tanh", "x=[1024,1024]", [](X x) { return torch::tanh(x[0]); }},
    {"erf", "x=[1024,1024]", [](X x) { return torch::erf(x[0]); }},
    {"erfc", "x=[1024,1024]", [](X x) { return torch::erfc(x[0]); }},
    {"sigmoid", "x=[1024,1024]", [](X x) { return torch::sigmoid(x[0]); }},
    {"log_sigmoid", "x=[1024,1024]", [](X x) { return torch::log_sigmoid(x[0]); }},
    {"silu", "x=[1024,1024]", [](X x) { return torch::silu(x[0]); }},
    {"relu", "x=[1024,1024]", [](X x) { return torch::relu(x[0]); }},
    {"softplus", "x=[1024,1024]", [](X x) { return torch::softplus(x[0]); }},
    {"leaky_relu", "x=[1024,1024]", [](X x) { return torch::leaky_relu(x[0]); }},
    {"elu", "x=[1024,1024]", [](X x) { return torch::elu(x[0]); }},
    {"gelu", "x=[1024,1024]", [](X x) { return torch::gelu(x[0]); }},
    {"gelu", "x=[1024,1024] approximate=tanh", [](X x) { return torch::gelu(x[0], "tanh"); }},
    {"ndtr", "x=[1024,1024]", [](X x) { return torch::special::ndtr(x[0]); }},
    {"gaussian", "x=[1024,1024] c=0.5", [](X x) { return torch::exp(-0.5 * torch::square(x[0])); }},
    {"clamp", "x=[1024,1024] min=-1 max=1", [](X x) { return torch::clamp(x[0], -1, 1); }},
    {"pow", "a=[1024,1024] exponent=3", [](X x) { return torch::pow(x[0], 3); }},
    {"pow", "a=[1024,1024] exponent=2.5", [](X x) { return torch::pow(x[0], 2.5); }},
    {"add", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[1024,1024] b=[1024]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[1024,1024] b=[1024,1]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[1024,1024] b=[]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[32,64,512] b=[32,1,512]", [](X x) { return x[0] + x[1]; }},
    {"sub", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] - x[1]; }},
    {"sub", "a=[1024,1024] b=[1024]", [](X x) { return x[0] - x[1]; }},
    {"mul", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[1024]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[1024,1]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[32,64,512] b=[32,1,512]", [](X x) { return x[0] * x[1]; }},
    {"div", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] / x[1]; }},
    {"div", "a=[1024,1024] b=[1024]", [](X x) { return x[0] / x[1]; }},
    {"pow", "a=[1024,1024] b=[1024,1024]", [](X x) { return torch::pow(x[0], x[1]); }},
    {"maximum", "a=[1024,1024] b=[1024,1024]", [](X x) { return torch::maximum(x[0], x[1]); }},
    {"minimum", "a=[1024,1024] b=[1024,1024]", [](X x) { return torch::minimum(x[0], x[1]); }},
    {"where", "mask=[1024,1024] a=[1024,1024] b=[1024,1024]", [](X x) { return torch::where(x[0], x[1], x[2]); }},
    {"select", "mask=[1024,1024] a=[1024,1024] b=[1024,1024]", [](X x) { return torch::where(x[0], x[1], x[2]); }},
    {"dropout", "x=[1024,1024] p=0.1", [](X x) { return torch::dropout(x[0], 0.1, true); }, OpRow::random},

    // reductions
    {"sum", "x=[1024,1024]", [](X x) { return x[0].sum(); }},
    {"sum", "x=[1024,1024] axes=0", [](X x) { return x[0].sum(0); }},
    {"sum", "x=[1024,1024] axes=1", [](X x) { return x[0].sum(1); }},
    {"sum", "x=[32,32,32,32] axes=0,2", [](X x) { return x[0].sum(Axes({0, 2})); }},
    {"mean", "x=[1024,1024]", [](X x) { return x[0].mean(); }},
    {"mean", "x=[1024,1024] axes=0", [](X x) { return x[0].mean(0); }},
    {"mean", "x=[1024,1024] axes=1", [](X x) { return x[0].mean(1); }},
    {"max", "x=[1024,1024]", [](X x) { return x[0].amax(); }},
    {"max", "x=[1024,1024] axes=0", [](X x) { return x[0].amax(0); }},
    {"max", "x=[1024,1024] axes=1", [](X x) { return x[0].amax(1); }},
    {"min", "x=[1024,1024]", [](X x) { return x[0].amin(); }},
    {"min", "x=[1024,1024] axes=0", [](X x) { return x[0].amin(0); }},
    {"min", "x=[1024,1024] axes=1", [](X x) { return x[0].amin(1); }},
    // of few factors: products of many leave the range of numbers, and that is another matter
    {"prod", "x=[16384,64] axes=1", [](X x) { return x[0].prod(1); }},
    {"prod", "x=[64,16384] axes=0", [](X x) { return x[0].prod(0); }},
    {"var", "x=[1024,1024] ddof=1", [](X x) { return x[0].var(); }},
    {"var", "x=[1024,1024] axes=0 ddof=1", [](X x) { return x[0].var(0); }},
    {"var", "x=[1024,1024] axes=1 ddof=1", [](X x) { return x[0].var(1); }},
    {"std", "x=[1024,1024] ddof=1", [](X x) { return x[0].std(); }},
    {"std", "x=[1024,1024] axes=0 ddof=1", [](X x) { return x[0].std(0); }},
    {"std", "x=[1024,1024] axes=1 ddof=1", [](X x) { return x[0].std(1); }},
    {"logsumexp", "x=[1024,1024]", [](X x) { return x[0].logsumexp(Axes({0, 1})); }},
    {"logsumexp", "x=[1024,1024] axes=0", [](X x) { return x[0].logsumexp(0); }},
    {"logsumexp", "x=[1024,1024] axes=1", [](X x) { return x[0].logsumexp(1); }},
    {"norm", "x=[1024,1024]", [](X x) { return torch::linalg_vector_norm(x[0]); }},
    {"norm", "x=[1024,1024] axes=0", [](X x) { return torch::linalg_vector_norm(x[0], 2, 0); }},
    {"norm", "x=[1024,1024] axes=1", [](X x) { return torch::linalg_vector_norm(x[0], 2, 1); }},
    {"softmax", "x=[1024,1024]", [](X x) { return torch::softmax(x[0], -1); }},
    {"softmax", "x=[65536,16]", [](X x) { return torch::softmax(x[0], -1); }},
    {"softmax", "x=[1024,1024] axis=0", [](X x) { return torch::softmax(x[0], 0); }},
    {"softmax", "x=[32,1024,32] axis=1", [](X x) { return torch::softmax(x[0], 1); }},
    {"log_softmax", "x=[1024,1024]", [](X x) { return torch::log_softmax(x[0], -1); }},
    {"log_softmax", "x=[65536,16]", [](X x) { return torch::log_softmax(x[0], -1); }},
    {"log_softmax", "x=[1024,1024] axis=0", [](X x) { return torch::log_softmax(x[0], 0); }},
    {"log_softmax", "x=[32,1024,32] axis=1", [](X x) { return torch::log_softmax(x[0], 1); }},
    {"cumsum", "x=[1024,1024] axis=-1", [](X x) { return x[0].cumsum(-1); }},
    {"cumsum", "x=[1024,1024] axis=0", [](X x) { return x[0].cumsum(0); }},

    // shape
    {"reshape", "x=[1024,1024] shape=256,-1", [](X x) { return x[0].reshape({256, -1}); }},
    {"squeeze", "x=[1024,1,1024] axes=1", [](X x) { return x[0].squeeze(1); }},
    {"unsqueeze", "x=[1024,1024] axis=1", [](X x) { return x[0].unsqueeze(1); }},
    {"transpose", "x=[1024,1024]", [](X x) { return x[0].t().contiguous(); }},
    {"transpose", "x=[32,32,32,32] axes=0,2,1,3", [](X x) { return x[0].permute({0, 2, 1, 3}).contiguous(); }},
    {"transpose", "x=[64,128,128] axes=2,0,1", [](X x) { return x[0].permute({2, 0, 1}).contiguous(); }},
    {"broadcast_to", "x=[1024] shape=1024,1024", [](X x) { return x[0].expand({1024, 1024}).contiguous(); }},
    {"broadcast_to", "x=[1024,1] shape=1024,1024", [](X x) { return x[0].expand({1024, 1024}).contiguous(); }},
    {"slice", "x=[1024,1024] starts=8,16 stops=-8,-16",
     [](X x) { return x[0].slice(0, 8, -8).slice(1, 16, -16).contiguous(); }},
    {"slice", "x=[1024,1024] steps=2,2", [](X x) { return x[0].slice(0, {}, {}, 2).slice(1, {}, {}, 2).contiguous(); }},
    {"slice", "x=[1024,1024] steps=1,-1", [](X x) { return x[0].flip(1); }},
    {"flip", "x=[1024,1024] axes=0", [](X x) { return x[0].flip(0); }},
    {"flip", "x=[1024,1024] axes=1", [](X x) { return x[0].flip(1); }},
    {"concat", "a=[512,1024] b=[512,1024]", [](X x) { return torch::cat({x[0], x[1]}); }},
    {"concat", "a=[1024,512] b=[1024,512] axis=1", [](X x) { return torch::cat({x[0], x[1]}, 1); }},
    {"stack", "a=[512,1024] b=[512,1024]", [](X x) { return torch::stack({x[0], x[1]}); }},
    {"stack", "a=[512,1024] b=[512,1024] axis=-1", [](X x) { return torch::stack({x[0], x[1]}, -1); }},
    {"pad", "x=[32,32,32,32] before=0,0,1,1 after=0,0,1,1",
     [](X x) { return torch::constant_pad_nd(x[0], {1, 1, 1, 1}); }},
    {"split", "x=[1024,1024] parts=2 axis=0",
     [](X x) {
       const auto y = x[0].split(512, 0);
       return y[0] + y[1];
     }},
    {"split", "x=[1024,1024] parts=2 axis=1",
     [](X x) {
       const auto y = x[0].split(512, 1);
       return y[0] + y[1];
     }},

    // index
    {"gather", "x=[65536,16] index=[65536,1] axis=1 below=16", [](X x) { return x[0].gather(1, x[1]); }},
    {"gather", "x=[1024,1024] index=[1024,1024] axis=0 below=1024", [](X x) { return x[0].gather(0, x[1]); }},
    {"gather", "x=[1024,1024] index=[1024,1024] axis=1 below=1024", [](X x) { return x[0].gather(1, x[1]); }},
    {"scatter_add", "x=[65536,16] index=[65536,1] src=[65536,1] axis=1 below=16",
     [](X x) { return x[0].scatter_add(1, x[1], x[2]); }},
    {"scatter_add", "x=[1024,1024] index=[1024,1024] src=[1024,1024] axis=0 below=1024",
     [](X x) { return x[0].scatter_add(0, x[1], x[2]); }},
    {"index_select", "x=[1024,1024] index=[1024] axis=0 below=1024", [](X x) { return x[0].index_select(0, x[1]); }},
    {"index_select", "x=[1024,1024] index=[1024] axis=1 below=1024", [](X x) { return x[0].index_select(1, x[1]); }},
    {"index_add", "x=[1024,1024] index=[512] src=[512,1024] axis=0 below=1024",
     [](X x) { return x[0].index_add(0, x[1], x[2]); }},
    {"embedding", "weight=[4096,256] index=[32,128] below=4096", [](X x) { return torch::embedding(x[0], x[1]); }},
    {"embedding", "weight=[65536,16] index=[32,128] below=65536", [](X x) { return torch::embedding(x[0], x[1]); }},

    // products
    {"matmul", "a=[256,256] b=[256,256]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[128,784] b=[784,128]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[128,512] b=[512,512] transpose_b=true", [](X x) { return torch::matmul(x[0], x[1].t()); }},
    {"matmul", "a=[64,64,64] b=[64,64,64]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[8,64,64] b=[64,64]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[8,1,64,64] b=[8,64,64]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[1024,1024] b=[1024]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[1024] b=[1024,1024]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[1048576] b=[1048576]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"outer", "a=[1024] b=[1024]", [](X x) { return torch::outer(x[0], x[1]); }},
    {"linear", "x=[128,512] weight=[512,512] bias=[512]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},
    {"linear", "x=[32,784] weight=[128,784] bias=[128]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},
    {"linear", "x=[16,64,256] weight=[256,256] bias=[256]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},

    // linear algebra
    {"solve", "a=[64,32,32] b=[64,32,8]", [](X x) { return torch::linalg_solve(x[0], x[1]); }},
    {"solve_triangular", "a=[64,32,32] b=[64,32,8]",
     [](X x) { return torch::linalg_solve_triangular(x[0], x[1], false); }},
    {"inv", "a=[64,32,32]", [](X x) { return torch::linalg_inv(x[0]); }},
    {"logdet", "a=[64,32,32]", [](X x) { return torch::logdet(x[0]); }},
    {"cholesky", "a=[64,32,32]", [](X x) { return torch::linalg_cholesky(x[0]); }},

    // norms
    {"layer_norm", "x=[1024,1024] weight=[1024] bias=[1024]",
     [](X x) { return torch::layer_norm(x[0], {1024}, x[1], x[2]); }},
    {"layer_norm", "x=[8192,128] weight=[128] bias=[128]",
     [](X x) { return torch::layer_norm(x[0], {128}, x[1], x[2]); }},
    {"rms_norm", "x=[1024,1024] weight=[1024]",
     [](X x) { return x[0] * torch::rsqrt(x[0].square().mean(-1, true) + 1e-5) * x[1]; }},
    {"batch_norm", "x=[32,64,28,28] weight=[64] bias=[64] training=true",
     [](X x) { return torch::batch_norm(x[0], x[1], x[2], {}, {}, true, 0.1, 1e-5, false); }},
    {"batch_norm", "x=[32,64,28,28] weight=[64] bias=[64] running_mean=[64] running_var=[64]",
     [](X x) { return torch::batch_norm(x[0], x[1], x[2], x[3], x[4], false, 0.1, 1e-5, false); }},

    // windows
    {"conv2d", "x=[64,1,28,28] weight=[6,1,5,5] bias=[6] padding=2",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 2); }},
    {"conv2d", "x=[64,6,14,14] weight=[16,6,5,5] bias=[16]", [](X x) { return torch::conv2d(x[0], x[1], x[2]); }},
    {"conv2d", "x=[32,16,32,32] weight=[32,16,3,3] bias=[32] padding=1",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 1); }},
    {"conv2d", "x=[16,64,14,14] weight=[64,64,3,3] bias=[64] padding=1",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 1); }},
    {"conv2d", "x=[16,256,7,7] weight=[256,256,3,3] bias=[256] padding=1",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 1); }},
    {"conv2d", "x=[16,64,28,28] weight=[128,64,3,3] bias=[128] stride=2 padding=1",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 2, 1); }},
    {"conv2d", "x=[16,64,28,28] weight=[128,64,1,1] bias=[128]", [](X x) { return torch::conv2d(x[0], x[1], x[2]); }},
    {"conv2d", "x=[32,32,32,32] weight=[32,1,3,3] bias=[32] padding=1 groups=32",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 1, 1, 32); }},
    {"conv2d", "x=[16,16,32,32] weight=[16,16,3,3] padding=2 dilation=2",
     [](X x) { return torch::conv2d(x[0], x[1], {}, 1, 2, 2); }},
    {"conv1d", "x=[32,32,256] weight=[64,32,5] bias=[64] padding=2",
     [](X x) { return torch::conv1d(x[0], x[1], x[2], 1, 2); }},
    {"max_pool2d", "x=[16,64,32,32] kernel=2", [](X x) { return torch::max_pool2d(x[0], 2); }},
    {"max_pool2d", "x=[16,64,32,32] kernel=3 stride=2 padding=1", [](X x) { return torch::max_pool2d(x[0], 3, 2, 1); }},
    {"max_pool2d", "x=[16,64,32,32] kernel=3 stride=1 padding=1", [](X x) { return torch::max_pool2d(x[0], 3, 1, 1); }},
    {"avg_pool2d", "x=[16,64,32,32] kernel=2", [](X x) { return torch::avg_pool2d(x[0], 2); }},
    {"avg_pool2d", "x=[16,64,32,32] kernel=3 stride=1 padding=1", [](X x) { return torch::avg_pool2d(x[0], 3, 1, 1); }},

    {"conv2d", "x=[16,32,28,28] weight=[32,8,3,3] padding=2 dilation=2 groups=4",
     [](X x) { return torch::conv2d(x[0], x[1], {}, 1, 2, 2, 4); }},

    // attention and recurrent cells
    {"scaled_dot_product_attention", "query=[8,8,128,64] key=[8,8,128,64] value=[8,8,128,64]",
     [](X x) { return std::get<0>(torch::_scaled_dot_product_attention(x[0], x[1], x[2])); }},
    {"scaled_dot_product_attention", "query=[8,8,128,64] key=[8,8,128,64] value=[8,8,128,64] is_causal=true",
     [](X x) { return std::get<0>(torch::_scaled_dot_product_attention(x[0], x[1], x[2], {}, 0, false, true)); }},
    {"lstm_cell", "x=[64,128] h=[64,256] c=[64,256] w_ih=[1024,128] w_hh=[1024,256] b_ih=[1024] b_hh=[1024]",
     [](X x) {
       const auto [h, c] = torch::lstm_cell(x[0], {x[1], x[2]}, x[3], x[4], x[5], x[6]);
       return h + c;
     }},
    {"gru_cell", "x=[64,128] h=[64,256] w_ih=[768,128] w_hh=[768,256] b_ih=[768] b_hh=[768]",
     [](X x) { return torch::gru_cell(x[0], x[1], x[2], x[3], x[4], x[5]); }},

    // losses
    {"softmax_ce", "scores=[1024,1024] labels=[1024] below=1024",
     [](X x) { return torch::cross_entropy_loss(x[0], x[1]); }},
    {"softmax_ce", "scores=[65536,16] labels=[65536] below=16",
     [](X x) { return torch::cross_entropy_loss(x[0], x[1]); }},
    {"softmax_ce", "scores=[1024,1024] targets=[1024,1024]", [](X x) { return torch::cross_entropy_loss(x[0], x[2]); }},
    {"mse", "x=[1024,1024] targets=[1024,1024]", [](X x) { return torch::mse_loss(x[0], x[1]); }},
    {"mse", "x=[1024,1024] targets=[1024,1024] reduction=none", [](X x) { return torch::mse_loss(x[0], x[1], 0); }},
    {"mse", "x=[1024,1024] targets=[1024,1024] row_weights=[1024,1] reduction=sum",
     [](X x) { return (torch::mse_loss(x[0], x[1], 0) * x[2]).sum(); }},
    {"l1", "x=[1024,1024] targets=[1024,1024]", [](X x) { return torch::l1_loss(x[0], x[1]); }},
    {"huber", "x=[1024,1024] targets=[1024,1024]", [](X x) { return torch::huber_loss(x[0], x[1]); }},
    {"smooth_l1", "x=[1024,1024] targets=[1024,1024] beta=0.5",
     [](X x) { return torch::smooth_l1_loss(x[0], x[1], 1, 0.5); }},
    {"bce_with_logits", "scores=[1024,1024] targets=[1024,1024]",
     [](X x) { return torch::binary_cross_entropy_with_logits(x[0], x[1]); }},
    {"bce_with_logits", "scores=[1024,1024] targets=[1024,1024] pos_weight=[1024]",
     [](X x) { return torch::binary_cross_entropy_with_logits(x[0], x[1], {}, x[4]); }},
    {"sigmoid_focal", "scores=[1024,1024] targets=[1024,1024]",
     [](X x) {
       const Tensor p = torch::sigmoid(x[0]), p_t = p * x[1] + (1 - p) * (1 - x[1]);
       const Tensor ce = torch::binary_cross_entropy_with_logits(x[0], x[1], {}, {}, 0);
       return ((0.25 * x[1] + 0.75 * (1 - x[1])) * ce * torch::pow(1 - p_t, 2)).mean();
     }},
    {"hinge", "scores=[1024,1024] targets=[1024,1024]", [](X x) { return torch::relu(1 - x[1] * x[0]).mean(); }},
    {"kl_div", "x=[1024,1024] targets=[1024,1024]", [](X x) { return torch::kl_div(x[0], x[1]); }},
    {"kl_div", "x=[1024,1024] targets=[1024,1024] log_target=true",
     [](X x) { return torch::kl_div(x[0], x[1], 1, true); }},
    {"nll", "scores=[1024,1024] labels=[1024] weights=[1024] below=1024",
     [](X x) { return torch::nll_loss(x[0], x[1], x[4]); }},
    {"softmax_focal", "scores=[1024,1024] labels=[1024] below=1024",
     [](X x) {
       const Tensor l = torch::cross_entropy_loss(x[0], x[1], {}, 0);
       return (torch::pow(1 - torch::exp(-l), 2) * l).mean();
     }},
    {"multi_margin", "scores=[1024,1024] labels=[1024] below=1024",
     [](X x) { return torch::multi_margin_loss(x[0], x[1]); }},
    {"multi_margin", "scores=[1024,1024] labels=[1024] weights=[1024] below=1024 p=2 margin=0.5",
     [](X x) { return torch::multi_margin_loss(x[0], x[1], 2, 0.5, x[4]); }},
    {"cosine_embedding", "a=[4096,256] b=[4096,256] targets=[4096] margin=-0.1",
     [](X x) { return torch::cosine_embedding_loss(x[0], x[1], x[2], -0.1); }},
    {"triplet", "anchor=[4096,256] positive=[4096,256] negative=[4096,256]",
     [](X x) { return torch::triplet_margin_loss(x[0], x[1], x[2]); }},
    {"triplet", "anchor=[4096,256] positive=[4096,256] negative=[4096,256] swap=true margin=2",
     [](X x) { return torch::triplet_margin_loss(x[0], x[1], x[2], 2, 2, 1e-6, true); }},
};

// About a thousand elements, or nets that are small: what a node costs is felt.
const Row small[] = {
    {"tanh", "x=[32,32]", [](X x) { return torch::tanh(x[0]); }},
    {"relu", "x=[32,32]", [](X x) { return torch::relu(x[0]); }},
    {"add", "a=[32,32] b=[32]", [](X x) { return x[0] + x[1]; }},
    {"mul", "a=[32,32] b=[32,32]", [](X x) { return x[0] * x[1]; }},
    {"sum", "x=[32,32]", [](X x) { return x[0].sum(); }},
    {"sum", "x=[32,32] axes=0", [](X x) { return x[0].sum(0); }},
    {"softmax", "x=[32,32]", [](X x) { return torch::softmax(x[0], -1); }},
    {"reshape", "x=[32,32] shape=1024", [](X x) { return x[0].reshape(1024); }},
    {"transpose", "x=[32,32]", [](X x) { return x[0].t().contiguous(); }},
    {"slice", "x=[32,32] starts=2,2 stops=-2,-2",
     [](X x) { return x[0].slice(0, 2, -2).slice(1, 2, -2).contiguous(); }},
    {"concat", "a=[32,16] b=[32,16] axis=1", [](X x) { return torch::cat({x[0], x[1]}, 1); }},
    {"matmul", "a=[32,32] b=[32,32]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"linear", "x=[16,64] weight=[32,64] bias=[32]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},
    {"solve", "a=[8,8] b=[8]", [](X x) { return torch::linalg_solve(x[0], x[1]); }},
    {"lstm_cell", "x=[8,32] h=[8,32] c=[8,32] w_ih=[128,32] w_hh=[128,32] b_ih=[128] b_hh=[128]",
     [](X x) {
       const auto [h, c] = torch::lstm_cell(x[0], {x[1], x[2]}, x[3], x[4], x[5], x[6]);
       return h + c;
     }},
    {"conv2d", "x=[1,4,8,8] weight=[4,4,3,3] bias=[4] padding=1",
     [](X x) { return torch::conv2d(x[0], x[1], x[2], 1, 1); }},
    {"max_pool2d", "x=[4,4,8,8] kernel=2", [](X x) { return torch::max_pool2d(x[0], 2); }},
    {"embedding", "weight=[64,32] index=[32] below=64", [](X x) { return torch::embedding(x[0], x[1]); }},
    {"layer_norm", "x=[16,64] weight=[64] bias=[64]", [](X x) { return torch::layer_norm(x[0], {64}, x[1], x[2]); }},
};
// clang-format on

const Row& row_of(std::size_t i) { return i < std::size(large) ? large[i] : small[i - std::size(large)]; }

Tensor tensor(const OpInput& input) {
  if (input.kind == OpInput::absent) return {};
  if (input.kind == OpInput::index) return torch::tensor(input.indices).reshape(input.shape);
  const Tensor x = torch::tensor(input.real).reshape(input.shape);
  return input.kind == OpInput::mask ? x.ne(0) : x.set_requires_grad(input.kind == OpInput::parameter);
}

std::vector<float> entries(const Tensor& x) {
  const Tensor y = x.detach().contiguous();
  return {y.data_ptr<float>(), y.data_ptr<float>() + y.numel()};
}

}  // namespace

std::vector<OpRow> op_rows() {
  std::vector<OpRow> rows;
  for (const Row& r : large) rows.push_back({r.op, r.call, OpRow::large, r.check});
  for (const Row& r : small) rows.push_back({r.op, r.call, OpRow::small, r.check});
  return rows;
}

OpContender op(std::size_t row, const std::vector<OpInput>& inputs) {
  const auto run = row_of(row).run;
  std::vector<Tensor> x, parameters;
  for (const OpInput& input : inputs) {
    x.push_back(tensor(input));
    if (input.kind == OpInput::parameter) parameters.push_back(x.back());
  }
  const Tensor y = run(x), u = torch::tensor(upstream(static_cast<std::size_t>(y.numel()))).reshape(y.sizes());
  OpContender c;
  c.work = [=] {
    run(x).backward(u);
    for (const Tensor& p : parameters) p.mutable_grad().reset();
  };
  c.answer = [=] {
    const Tensor y = run(x);
    y.backward(u);
    std::vector<std::vector<float>> all{entries(y)};
    for (const Tensor& p : parameters) {
      all.push_back(entries(p.grad()));
      p.mutable_grad().reset();
    }
    return all;
  };
  return c;
}

std::string instruction_set() {
  const std::string all = at::show_config(), key = "CPU capability usage: ";
  const std::size_t from = all.find(key);
  return from == std::string::npos ? "unknown"
                                   : all.substr(from + key.size(), all.find('\n', from) - from - key.size());
}

}  // namespace bench::libtorch
