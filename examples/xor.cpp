// The smallest net that is one: exclusive or, which no straight line divides.
#include <cstdio>

#include "autodiff/autodiff.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"

using namespace wengert;

int main() {
  const Variable<float> x = Array<float>{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const Labels labels{0, 1, 1, 0};

  const nn::Sequential net{nn::Linear(2, 8), nn::Tanh(), nn::Linear(8, 2)};
  nn::Adam adam(net.parameters(), {.rate = 0.03});

  for (int step = 0; step <= 100; ++step) {
    Tape tape;
    const auto loss = losses::softmax_ce(net(x), labels);
    tape.backward(loss);
    adam.step();
    adam.zero_grad();
    if (step % 25 == 0) std::printf("step %3d  loss %.4f\n", step, loss.item());
  }

  const auto p = softmax(net(x));
  for (int i = 0; i < 4; ++i) std::printf("%g xor %g: %.2f\n", x.value()(i, 0), x.value()(i, 1), p.value()(i, 1));
}
