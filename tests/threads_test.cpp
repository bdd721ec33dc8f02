// What threads may do at once. Built with ThreadSanitizer, too.
#include <doctest/doctest.h>

#include <cstring>
#include <thread>

#include "autodiff/autodiff.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/registry.hpp"
#include "losses/softmax_ce.hpp"
#include "nn/nn.hpp"
#include "tests/message.hpp"
#include "tests/random.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

TEST_CASE("threads share parameters, each with a tape of its own") {
  const V w = parameter(A{1, 2, 3, 4});
  A results[4];
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int step = 0; step < 200; ++step) {
          Tape tape;
          const auto [g] = tape.gradient(sum(tanh(w * (t + 1))), {w});
          results[t] = g.value();
        }
      });
  }
  for (int t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 4; ++i) {
      const double y = std::tanh((t + 1) * w.value()(i));
      CHECK(results[t](i) == doctest::Approx((t + 1) * (1 - y * y)));
    }
}

TEST_CASE("threads: summed gradients have the same bits for any number of them") {
  std::mt19937_64 random(3);
  const std::size_t parts = 7, rows = 5;
  const nn::Sequential<float> net{nn::Linear(6, 8), nn::Tanh(), nn::Linear(8, 3)};
  std::vector<Variable<float>> parameters;
  for (const auto& p : net.parameters()) parameters.push_back(p.value);
  std::vector<Variable<float>> x;
  for (std::size_t i = 0; i < parts; ++i) x.push_back(test::uniform<float>({rows, 6}, {-2, 2}, random));
  const Labels labels{0, 2, 1, 1, 0};
  const auto gradient = [&](std::size_t threads) {
    return parallel_gradient<float>(
        parts, threads, [&](std::size_t part) { return losses::softmax_ce(net(x[part]), labels); }, parameters);
  };
  const auto one = gradient(1);
  for (const std::size_t threads : {2, 3, 4, 9}) {
    const auto several = gradient(threads);
    CHECK(several.loss.item() == one.loss.item());
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto &a = one.gradients[i], &b = several.gradients[i];
      CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
    }
  }
  Tape tape;  // the same, up to rounding, as on one tape
  Variable<float> total = 0;
  for (const auto& part : x) total += losses::softmax_ce(net(part), labels);
  const auto together = tape.gradient(total, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    CHECK(xt::allclose(together[i].value(), one.gradients[i].value(), 1e-5, 1e-6));
}

TEST_CASE("threads: what a part throws arrives") {
  const V w = parameter(A{1, 2});
  const auto loss = [&](std::size_t part) { return part == 2 ? matmul(w, sum(w)) : part == 4 ? w : sum(w); };
  CHECK(message<ShapeError>([&] { parallel_gradient<double>(5, 3, loss, {w}); }).substr(0, 6) == "matmul");
  CHECK(message<ShapeError>([&] { parallel_gradient<double>(1, 1, [&](std::size_t) { return w; }, {w}); }) ==
        "parallel_gradient: the loss of a part is [2]; it must be one number");
  CHECK(message<ValueError>([&] { parallel_gradient<double>(0, 1, loss, {w}); }) ==
        "parallel_gradient: 0 parts in 1 threads; there must be at least one of each");
  const auto constant = parallel_gradient<double>(2, 2, [](std::size_t) { return V(3.); }, {w});
  CHECK(constant.loss.item() == 6);
  CHECK(constant.gradients[0].value() == A{0, 0});
}

TEST_CASE("threads: results, ops and lists used at once") {
  const V x = A{1, 2, 3};
  const V w = parameter(A{1, 2, 3});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        Tape tape;
        const V copy = w, y = sum(softmax(copy * x));
        const auto [g] = tape.gradient(sum(y), {w}, {.create_graph = true});
        tape.gradient(sum(g * x), {w});
      }
      CHECK(!declared_ops().empty());
    });
}
