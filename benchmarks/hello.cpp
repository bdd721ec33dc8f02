// The smallest program: one step of a small net. Started as a process of its own, it says what it took.
#include "autodiff/autodiff.hpp"
#include "benchmarks/peak.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"

using namespace wengert;

int main() {
  nn::Sequential net{nn::Linear(64, 32), nn::ReLU(), nn::Linear(32, 10)};
  nn::Sgd<float> sgd(net.parameters(), {.rate = 0.1});
  const Array<float> x(Shape{16, 64}, 0.5f);
  const Labels labels(Shape{16}, 3);

  Tape tape;
  tape.backward(losses::softmax_ce(net(x), labels));
  sgd.step();
  print_peak();
}
