#include <algorithm>
#include <memory>

#include "autodiff/autodiff.hpp"
#include "benchmarks/contenders.hpp"
#include "losses/linear_softmax_ce.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"

namespace bench::ours {
namespace {

using namespace wengert;

template <class T> Array<T> array(const Shape& shape, const std::vector<T>& values) {
  Array<T> a = empty<T>(shape);
  std::copy(values.begin(), values.end(), a.storage().begin());
  return a;
}

Array<float> random_array(const Shape& shape, unsigned seed, double low = -1, double high = 1) {
  return array(shape, numbers(count(shape), seed, low, high));
}

Labels labels(int rows, int classes) { return array({std::size_t(rows)}, some_labels(rows, classes)); }

}  // namespace

Work chain(int ops, int width) {
  const Shape shape{std::size_t(width)};
  Variable x = parameter(random_array(shape, 1)), w = parameter(random_array(shape, 2, 0.99, 1.01)),
           b = parameter(random_array(shape, 3, -0.01, 0.01));
  const Variable ones = Array<float>(shape, 1);
  return [=]() mutable {
    {
      Tape tape;
      Variable y = x;
      for (int i = 0; i < ops; i += 2) y = y * w + b;
      tape.backward(y, {.upstream = ones});
    }
    for (Variable<float>* p : {&x, &w, &b}) p->zero_grad();
  };
}

double bytes_a_node(int ops) {
  const Variable x = parameter(Array<float>{1}), w = parameter(Array<float>{1}), b = parameter(Array<float>{0});
  Tape tape;
  Variable y = x;
  for (int i = 0; i < ops; i += 2) y = y * w + b;
  return static_cast<double>(tape.bytes()) / static_cast<double>(tape.size());
}

Work mlp(const Mlp& m) {
  nn::Sequential<float> net;
  for (std::size_t i = 1; i < m.layers.size(); ++i) {
    if (i > 1) net.add(nn::ReLU());
    net.add(nn::Linear(m.layers[i - 1], m.layers[i]));
  }
  const std::size_t batch = m.batch, inputs = m.layers.front();
  const Variable<float> x(random_array({batch, inputs}, 1));
  const Labels t = labels(m.batch, m.layers.back());
  const auto sgd = std::make_shared<nn::Sgd<float>>(net.parameters(), nn::SgdOptions{.rate = 1e-6});
  return [=, update = m.update] {
    {
      Tape tape;
      tape.backward(losses::softmax_ce(net(x), t));
    }
    if (update) sgd->step();
    sgd->zero_grad();
  };
}

Work lenet(int batch, bool max) {
  struct Layer {
    Variable<float> w, b;
  };
  const auto layer = [](const Shape& w) {
    return Layer{parameter(random_array(w, 2, -0.1, 0.1)), parameter(Array<float>(Shape{w[0]}, 0))};
  };
  std::vector<Layer> p{layer({6, 1, 5, 5}), layer({16, 6, 5, 5}), layer({120, 400}), layer({84, 120}), layer({10, 84})};
  const std::size_t n = batch;
  return [=, x = Variable<float>(random_array({n, 1, 28, 28}, 1)), t = labels(batch, 10)]() mutable {
    const auto pool = [&](Variable<float> h) {
      return max ? max_pool2d(std::move(h), {.kernel = 2}) : avg_pool2d(std::move(h), {.kernel = 2});
    };
    {
      Tape tape;
      Variable h = pool(relu(conv2d(x, p[0].w, p[0].b, {.padding = 2})));
      h = reshape(pool(relu(conv2d(std::move(h), p[1].w, p[1].b))), {batch, -1});
      h = relu(linear(std::move(h), p[2].w, p[2].b));
      h = relu(linear(std::move(h), p[3].w, p[3].b));
      tape.backward(losses::softmax_ce(linear(std::move(h), p[4].w, p[4].b), t));
    }
    for (Layer& l : p) l.w.zero_grad(), l.b.zero_grad();
  };
}

Work softmax_ce(int rows, int classes) {
  Variable scores = parameter(random_array({std::size_t(rows), std::size_t(classes)}, 1, -5, 5));
  return [=, t = labels(rows, classes)]() mutable {
    {
      Tape tape;
      tape.backward(losses::softmax_ce(scores, t));
    }
    scores.zero_grad();
  };
}

Work softmax_ce_in_place(int rows, int classes) {
  const std::size_t n = rows, c = classes;
  Variable bias = parameter(random_array({c}, 2));
  return [=, column = Variable<float>(random_array({n, 1}, 1)), t = labels(rows, classes)]() mutable {
    {
      Tape tape;
      tape.backward(losses::softmax_ce(column + bias, t));
    }
    bias.zero_grad();
  };
}

Work linear_softmax_ce(int rows, int classes, int width, bool fused) {
  const std::size_t n = rows, c = classes, d = width;
  Variable x = parameter(random_array({n, d}, 1)), w = parameter(random_array({c, d}, 2, -0.2, 0.2)),
           b = parameter(random_array({c}, 3));
  release_memory();  // of the random numbers, for what is measured of the heap
  return [=, t = labels(rows, classes)]() mutable {
    {
      Tape tape;
      tape.backward(fused ? losses::linear_softmax_ce(x, w, b, t) : losses::softmax_ce(linear(x, w, b), t));
    }
    for (Variable<float>* p : {&x, &w, &b}) p->zero_grad();
  };
}

namespace {
/// sum(f(x, w, b))
template <class F> Work sum_of(int size, bool by_row, F f) {
  const std::size_t n = size;
  const Shape full{n, n}, row{n};
  Variable x = parameter(random_array(full, 1)), w = parameter(random_array(by_row ? row : full, 2)),
           b = parameter(random_array(by_row ? row : full, 3));
  return [=]() mutable {
    {
      Tape tape;
      tape.backward(sum(f(x, w, b)));
    }
    for (Variable<float>* p : {&x, &w, &b}) p->zero_grad();
  };
}

constexpr auto tanh_of_line = [](const auto& x, const auto& w, const auto& b) { return tanh(x * w + b); };
}  // namespace

Work tanh_sum(int n, bool by_row) { return sum_of(n, by_row, tanh_of_line); }

Work tanh_sum_by_map(int n, bool by_row) {
  return sum_of(n, by_row, [](const auto& x, const auto& w, const auto& b) { return map(tanh_of_line, x, w, b); });
}

template <class T> void answer(Rows<T>& r) {
  const Shape shape{std::size_t(r.rows), std::size_t(r.classes)};
  losses::SoftmaxCe<T> options{.reduction = losses::Reduction::none,
                               .label_smoothing = r.smoothing,
                               .multilabel = r.multilabel,
                               .temperature = r.temperature,
                               .soft_cap = r.soft_cap,
                               .z_loss = r.z_loss};
  if (!r.class_weights.empty()) options.class_weights = array({std::size_t(r.classes)}, r.class_weights);
  const Variable scores = parameter(array(shape, r.scores));
  Tape tape;
  const Variable loss = r.targets.empty() ? losses::softmax_ce(scores, array({std::size_t(r.rows)}, r.labels), options)
                                          : losses::softmax_ce(scores, Variable<T>(array(shape, r.targets)), options);
  r.loss.assign(loss.data(), loss.data() + loss.size());
  tape.backward(sum(loss));
  r.gradient.assign(scores.grad().storage().begin(), scores.grad().storage().end());
}
template void answer(Rows<float>&);
template void answer(Rows<double>&);

}  // namespace bench::ours
