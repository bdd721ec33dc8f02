// A user's program: a small net learns exclusive or.
#include <autodiff/autodiff.hpp>
#include <cstdio>
#include <losses/softmax_ce.hpp>

using namespace wengert;

int main() {
  const Variable<float> x(Array<float>{{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  const Labels labels{0, 1, 1, 0};
  auto w1 = parameter(Array<float>{{0.9, -0.8, 0.5, -0.3}, {-0.7, 0.8, 0.4, -0.6}}),
       b1 = parameter(Array<float>{0, 0, 0, 0});
  auto w2 = parameter(Array<float>{{0.5, -0.5}, {-0.4, 0.6}, {0.3, 0.2}, {0.1, -0.7}}),
       b2 = parameter(Array<float>{0, 0});

  float loss = 0;
  for (int step = 0; step < 200; ++step) {
    Tape tape;
    const auto scores = matmul(tanh(matmul(x, w1) + b1), w2) + b2;
    const auto l = losses::softmax_ce(scores, labels);
    tape.backward(l);
    for (auto* p : {&w1, &b1, &w2, &b2}) {
      p->mutable_value() -= 1.0f * p->grad();
      p->zero_grad();
    }
    loss = l.item();
  }
  std::printf("loss %.4f\n", loss);
  return loss < 0.1f ? 0 : 1;
}
