// hello.cpp with libtorch.
#include <torch/torch.h>

#include "benchmarks/peak.hpp"

int main() {
  at::set_num_threads(1);
  torch::nn::Sequential net(torch::nn::Linear(64, 32), torch::nn::ReLU(), torch::nn::Linear(32, 10));
  torch::optim::SGD sgd(net->parameters(), 0.1);
  const torch::Tensor x = torch::full({16, 64}, 0.5f), labels = torch::full({16}, 3, torch::kLong);

  torch::nn::functional::cross_entropy(net->forward(x), labels).backward();
  sgd.step();
  print_peak();
}
