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
};

// Inputs of about a million elements, or as nets have them.
const Row large[] = {
    // element by element
    {"abs", "x=[1024,1024]", [](X x) { return torch::abs(x[0]); }},
    {"neg", "x=[1024,1024]", [](X x) { return torch::neg(x[0]); }},
    {"square", "x=[1024,1024]", [](X x) { return torch::square(x[0]); }},
    {"sqrt", "x=[1024,1024]", [](X x) { return torch::sqrt(x[0]); }},
    {"exp", "x=[1024,1024]", [](X x) { return torch::exp(x[0]); }},
    {"log", "x=[1024,1024]", [](X x) { return torch::log(x[0]); }},
    {"tanh", "x=[1024,1024]", [](X x) { return torch::tanh(x[0]); }},
    {"sigmoid", "x=[1024,1024]", [](X x) { return torch::sigmoid(x[0]); }},
    {"relu", "x=[1024,1024]", [](X x) { return torch::relu(x[0]); }},
    {"add", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[1024,1024] b=[1024]", [](X x) { return x[0] + x[1]; }},
    {"add", "a=[1024,1024] b=[1024,1]", [](X x) { return x[0] + x[1]; }},
    {"sub", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] - x[1]; }},
    {"mul", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[1024]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[1024,1]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[1024,1024] b=[]", [](X x) { return x[0] * x[1]; }},
    {"mul", "a=[32,64,512] b=[32,1,512]", [](X x) { return x[0] * x[1]; }},
    {"div", "a=[1024,1024] b=[1024,1024]", [](X x) { return x[0] / x[1]; }},
    {"div", "a=[1024,1024] b=[1024]", [](X x) { return x[0] / x[1]; }},
    {"select", "mask=[1024,1024] a=[1024,1024] b=[1024,1024]", [](X x) { return torch::where(x[0], x[1], x[2]); }},

    // reductions
    {"sum", "x=[1024,1024]", [](X x) { return x[0].sum(); }},
    {"sum", "x=[1024,1024] axes=0", [](X x) { return x[0].sum(0); }},
    {"sum", "x=[1024,1024] axes=1", [](X x) { return x[0].sum(1); }},
    {"sum", "x=[32,32,32,32] axes=0,2",
     [](X x) {
       return x[0].sum(Axes({0, 2}));
     }},
    {"mean", "x=[1024,1024]", [](X x) { return x[0].mean(); }},
    {"mean", "x=[1024,1024] axes=1", [](X x) { return x[0].mean(1); }},
    {"max", "x=[1024,1024]", [](X x) { return x[0].amax(); }},
    {"max", "x=[1024,1024] axes=0", [](X x) { return x[0].amax(0); }},
    {"max", "x=[1024,1024] axes=1", [](X x) { return x[0].amax(1); }},
    {"logsumexp", "x=[1024,1024] axes=0", [](X x) { return x[0].logsumexp(0); }},
    {"logsumexp", "x=[1024,1024] axes=1", [](X x) { return x[0].logsumexp(1); }},
    {"softmax", "x=[1024,1024]", [](X x) { return torch::softmax(x[0], -1); }},
    {"softmax", "x=[65536,16]", [](X x) { return torch::softmax(x[0], -1); }},
    {"softmax", "x=[1024,1024] axis=0", [](X x) { return torch::softmax(x[0], 0); }},
    {"softmax", "x=[32,1024,32] axis=1", [](X x) { return torch::softmax(x[0], 1); }},
    {"log_softmax", "x=[1024,1024]", [](X x) { return torch::log_softmax(x[0], -1); }},
    {"log_softmax", "x=[1024,1024] axis=0", [](X x) { return torch::log_softmax(x[0], 0); }},

    // shape
    {"reshape", "x=[1024,1024] shape=256,-1",
     [](X x) {
       return x[0].reshape({256, -1});
     }},
    {"transpose", "x=[1024,1024]", [](X x) { return x[0].t().contiguous(); }},
    {"transpose", "x=[32,32,32,32] axes=0,2,1,3",
     [](X x) {
       return x[0].permute({0, 2, 1, 3}).contiguous();
     }},
    {"transpose", "x=[64,128,128] axes=2,0,1",
     [](X x) {
       return x[0].permute({2, 0, 1}).contiguous();
     }},
    {"broadcast_to", "x=[1024] shape=1024,1024",
     [](X x) {
       return x[0].expand({1024, 1024}).contiguous();
     }},
    {"broadcast_to", "x=[1024,1] shape=1024,1024",
     [](X x) {
       return x[0].expand({1024, 1024}).contiguous();
     }},

    // index
    {"gather", "x=[65536,16] labels=[65536] below=16",
     [](X x) { return x[0].gather(1, x[1].unsqueeze(1)).squeeze(1); }},
    {"scatter", "x=[65536] labels=[65536] classes=16 below=16",
     [](X x) {
       return torch::zeros({65536, 16}).scatter(1, x[1].unsqueeze(1), x[0].unsqueeze(1));
     }},

    // products
    {"matmul", "a=[256,256] b=[256,256]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[128,784] b=[784,128]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"matmul", "a=[128,512] b=[512,512] transpose_b=true", [](X x) { return torch::matmul(x[0], x[1].t()); }},
    {"linear", "x=[128,512] weight=[512,512] bias=[512]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},
    {"linear", "x=[32,784] weight=[128,784] bias=[128]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},

    // losses
    {"softmax_ce", "scores=[1024,1024] labels=[1024] below=1024",
     [](X x) { return torch::cross_entropy_loss(x[0], x[1]); }},
    {"softmax_ce", "scores=[65536,16] labels=[65536] below=16",
     [](X x) { return torch::cross_entropy_loss(x[0], x[1]); }},
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
    {"matmul", "a=[32,32] b=[32,32]", [](X x) { return torch::matmul(x[0], x[1]); }},
    {"linear", "x=[16,64] weight=[32,64] bias=[32]", [](X x) { return torch::linear(x[0], x[1], x[2]); }},
};

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
  for (const Row& r : large) rows.push_back({r.op, r.call, OpRow::large});
  for (const Row& r : small) rows.push_back({r.op, r.call, OpRow::small});
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

std::string configuration() { return at::show_config(); }

}  // namespace bench::libtorch
