// The same work in libtorch (Debian's libtorch-dev 1.13). The only file that includes it: its headers cost 30
// s.
#include <torch/torch.h>

#include "benchmarks/contenders.hpp"

namespace bench::libtorch {
namespace {

namespace F = torch::nn::functional;

torch::Tensor tensor(torch::IntArrayRef shape, unsigned seed, double low = -1, double high = 1) {
  const auto values = numbers(static_cast<std::size_t>(c10::multiply_integers(shape)), seed, low, high);
  return torch::from_blob(const_cast<float*>(values.data()), shape).clone();
}
torch::Tensor parameter(torch::Tensor t) { return t.requires_grad_(); }
torch::Tensor labels(int rows, int classes) { return torch::tensor(some_labels(rows, classes)); }

void drop_gradients(std::vector<torch::Tensor>& parameters) {
  for (auto& p : parameters) p.mutable_grad().reset();
}

}  // namespace

void use_one_thread() {
  at::set_num_threads(1);
  at::set_num_interop_threads(1);
}

Work chain(int ops, int width) {
  std::vector<torch::Tensor> p{parameter(tensor({width}, 1)), parameter(tensor({width}, 2, 0.99, 1.01)),
                               parameter(tensor({width}, 3, -0.01, 0.01))};
  return [=, ones = torch::ones({width})]() mutable {
    torch::Tensor y = p[0];
    for (int i = 0; i < ops; i += 2) y = y * p[1] + p[2];
    y.backward(ones);
    drop_gradients(p);
  };
}

Work mlp(const Mlp& m) {
  std::vector<torch::Tensor> p;
  for (std::size_t i = 1; i < m.layers.size(); ++i) {
    p.push_back(parameter(tensor({m.layers[i], m.layers[i - 1]}, 2, -0.1, 0.1)));
    p.push_back(parameter(torch::zeros({m.layers[i]})));
  }
  const torch::Tensor x = tensor({m.batch, m.layers.front()}, 1), t = labels(m.batch, m.layers.back());
  return [=, update = m.update]() mutable {
    torch::Tensor h = x;
    for (std::size_t i = 0; i < p.size(); i += 2) {
      if (i > 0) h = torch::relu(h);
      h = torch::linear(h, p[i], p[i + 1]);
    }
    F::cross_entropy(h, t).backward();
    if (update) {
      const torch::NoGradGuard no_grad;
      for (auto& w : p) w.add_(w.grad(), -1e-6);
    }
    drop_gradients(p);
  };
}

Work lenet(int batch, bool max) {
  std::vector<torch::Tensor> p;
  for (const std::vector<int64_t>& w :
       std::vector<std::vector<int64_t>>{{6, 1, 5, 5}, {16, 6, 5, 5}, {120, 400}, {84, 120}, {10, 84}}) {
    p.push_back(parameter(tensor(w, 2, -0.1, 0.1)));
    p.push_back(parameter(torch::zeros({w[0]})));
  }
  const torch::Tensor x = tensor({batch, 1, 28, 28}, 1), t = labels(batch, 10);
  return [=]() mutable {
    const auto pool = [&](const torch::Tensor& h) { return max ? torch::max_pool2d(h, 2) : torch::avg_pool2d(h, 2); };
    torch::Tensor h = pool(torch::relu(torch::conv2d(x, p[0], p[1], 1, 2)));
    h = pool(torch::relu(torch::conv2d(h, p[2], p[3]))).flatten(1);
    h = torch::relu(torch::linear(h, p[4], p[5]));
    h = torch::relu(torch::linear(h, p[6], p[7]));
    F::cross_entropy(torch::linear(h, p[8], p[9]), t).backward();
    drop_gradients(p);
  };
}

Work softmax_ce(int rows, int classes) {
  std::vector<torch::Tensor> scores{parameter(tensor({rows, classes}, 1, -5, 5))};
  return [=, t = labels(rows, classes)]() mutable {
    F::cross_entropy(scores[0], t).backward();
    drop_gradients(scores);
  };
}

Work tanh_sum(int n, bool by_row) {
  const auto part = [&](unsigned seed) { return by_row ? tensor({n}, seed) : tensor({n, n}, seed); };
  std::vector<torch::Tensor> p{parameter(tensor({n, n}, 1)), parameter(part(2)), parameter(part(3))};
  return [=]() mutable {
    torch::tanh(p[0] * p[1] + p[2]).sum().backward();
    drop_gradients(p);
  };
}

template <class T> bool answer(Rows<T>& r) {
  if (r.multilabel || r.temperature != 1 || r.soft_cap != 0 || r.z_loss != 0) return false;
  const auto tensor = [](const std::vector<T>& x) { return torch::tensor(x, c10::CppTypeToScalarType<T>::value); };
  const auto scores = parameter(tensor(r.scores).reshape({r.rows, r.classes}));
  auto options = F::CrossEntropyFuncOptions().reduction(torch::kNone).label_smoothing(r.smoothing);
  if (!r.class_weights.empty()) options.weight(tensor(r.class_weights));
  const auto targets = r.targets.empty() ? torch::tensor(r.labels) : tensor(r.targets).reshape({r.rows, r.classes});
  const auto loss = F::cross_entropy(scores, targets, options);
  loss.sum().backward();
  const auto gradient = scores.grad().contiguous();
  r.loss.assign(loss.template data_ptr<T>(), loss.template data_ptr<T>() + loss.numel());
  r.gradient.assign(gradient.template data_ptr<T>(), gradient.template data_ptr<T>() + gradient.numel());
  return true;
}
template bool answer(Rows<float>&);
template bool answer(Rows<double>&);

}  // namespace bench::libtorch
