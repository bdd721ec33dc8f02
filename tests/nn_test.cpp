#include "nn/nn.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "autodiff/autodiff.hpp"
#include "losses/softmax_ce.hpp"
#include "tests/message.hpp"

using namespace wengert;
using test::message;
using V = Variable<double>;
using A = Array<double>;

// --- modules ------------------------------------------------------------------------------------------------

TEST_CASE("parameters have dotted names, and are the handles that the layers use") {
  nn::Random random(1);
  const nn::Linear first(4, 3, random);
  const nn::Sequential inner{first, nn::ReLU()};
  nn::Sequential net{nn::Linear(5, 4, random), nn::Tanh()};
  net.add(inner);
  const auto parameters = net.parameters();
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0].name == "0.weight");
  CHECK(parameters[1].name == "0.bias");
  CHECK(parameters[2].name == "2.0.weight");
  CHECK(parameters[3].name == "2.0.bias");
  CHECK(parameters[0].value.shape() == Shape{4, 5});
  CHECK(parameters[2].value.block() == first.weight().block());
  CHECK(net.name() == "Sequential(Linear(5 -> 4), Tanh, Sequential(Linear(4 -> 3), ReLU))");
  CHECK(net[0].name() == "Linear(5 -> 4)");
}

TEST_CASE("a parameter that is used twice is listed once") {
  nn::Random random(1);
  const nn::Linear shared(3, 3, random);
  const nn::Sequential net{shared, nn::Tanh(), shared};
  CHECK(net.parameters().size() == 2);
}

TEST_CASE("a net computes what its layers do") {
  const nn::Linear layer(parameter(A{{1, 2}, {3, -4}}), parameter(A{10, 0}));
  const nn::Sequential net{layer, nn::ReLU<double>()};
  CHECK(net(A{{1, 1}}).value() == A{{13, 0}});
  CHECK(nn::Sequential<double>()(A{1, 2}).value() == A{1, 2});
  CHECK(nn::Tanh<double>()(A{0.5}).value()(0) == doctest::Approx(std::tanh(0.5)).epsilon(1e-15));
}

TEST_CASE("a layer is a function of its weights, whatever they are") {
  const V w = parameter(A{{2, 0}}), b = A{1};
  Tape tape;
  tape.backward(sum(nn::Linear(w * w, b)(A{{5, 7}})));
  CHECK(w.grad() == A{{2 * 2 * 5, 0}});
}

TEST_CASE("errors name the layer") {
  nn::Random random(1);
  const nn::Sequential net{nn::Linear(64, 32, random), nn::ReLU(), nn::Linear(31, 10, random)};
  const auto text = [&](const Shape& shape) { return message<ShapeError>([&] { net(Array<float>(shape)); }); };
  CHECK(text({5, 63}) == "layer 0, Linear(64 -> 32): x is [5,63]; x.shape[1] must be 64");
  CHECK(text({64}) == "layer 0, Linear(64 -> 32): x is [64]; it must be a matrix [N,64]");
  CHECK(text({5, 64}) == "layer 2, Linear(31 -> 10): x is [5,32]; x.shape[1] must be 31");
  CHECK(message<ValueError>([] { nn::Linear(0, 3); }) == "Linear(0 -> 3): both extents must be at least 1");
  CHECK(message<ShapeError>([] {
          nn::Linear(V(A{1, 2}), V(A{1}));
        }) == "Linear: weight is [2]; it must be a matrix [out,in]");
  CHECK(message<ShapeError>([] {
          nn::Linear(V(A{{1, 2}}), V(A{1, 2}));
        }) == "Linear: bias is [2] but weight is [1,2]; bias must be [1]");
}

// --- random numbers and initial weights ---------------------------------------------------------------------

TEST_CASE("random numbers are the same bits everywhere") {
  nn::Random random(1234567);  // the numbers that others publish for SplitMix64
  CHECK(random() == 6457827717110365317u);
  CHECK(random() == 3203168211198807973u);
  CHECK(random() == 9817491932198370423u);
  nn::Random a(1), b(1);
  const auto w = nn::he_normal({2, 2}, a);
  CHECK(w(0, 0) == 0x1.be6db6p-2f);
  CHECK(w(1, 1) == -0x1.c050a6p-1f);
  CHECK(nn::he_normal({2, 2}, b) == w);
  CHECK(nn::he_normal({2, 2}, b) != w);
  nn::Random c(1), d(1);
  CHECK(nn::glorot_uniform<float>({3, 5}, c) == xt::cast<float>(nn::glorot_uniform<double>({3, 5}, d)));
}

TEST_CASE("bounded numbers have no bias, shuffling reaches every order") {
  nn::Random random(3);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i) ++counts[random.below(6)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 5 * std::sqrt(10000.));
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 400; ++i) {
    std::vector<int> order{1, 2, 3, 4};
    nn::shuffle(order.begin(), order.size(), random);
    orders.insert(order);
  }
  CHECK(orders.size() == 24);
}

struct Moments {
  double mean = 0, variance = 0, fourth = 0, largest = 0;  // fourth: 3 for the normal distribution, 1.8 for the uniform
};

Moments moments(const A& w) {
  Moments m;
  const auto n = static_cast<double>(w.size());
  for (const double x : w.storage()) {
    m.mean += x / n;
    m.largest = std::max(m.largest, std::abs(x));
  }
  for (const double x : w.storage()) m.variance += std::pow(x - m.mean, 2) / n;
  for (const double x : w.storage()) m.fourth += std::pow(x - m.mean, 4) / n / std::pow(m.variance, 2);
  return m;
}

TEST_CASE("He and Glorot: the variance they promise") {
  nn::Random random(5);
  const Shape dense{500, 400}, convolution{80, 100, 5, 5};
  const auto check = [](const A& w, double variance, bool normal) {
    const Moments m = moments(w);
    const double n = static_cast<double>(w.size());
    CHECK(std::abs(m.mean) < 5 * std::sqrt(variance / n));
    CHECK(std::abs(m.variance / variance - 1) < 5 * std::sqrt(2 / n));
    CHECK(std::abs(m.fourth - (normal ? 3 : 1.8)) < 5 * std::sqrt(24 / n));
    if (!normal) CHECK(m.largest <= std::sqrt(3 * variance));
  };
  check(nn::he_uniform<double>(dense, random), 2. / 400, false);
  check(nn::he_normal<double>(dense, random), 2. / 400, true);
  check(nn::he_uniform<double>(convolution, random), 2. / (100 * 25), false);
  check(nn::glorot_uniform<double>(dense, random), 2. / 900, false);
  check(nn::glorot_normal<double>(dense, random), 2. / 900, true);
  check(nn::glorot_normal<double>(convolution, random), 2. / (180 * 25), true);
  CHECK(nn::he_uniform({3, 0}, random).size() == 0);
  CHECK(message<ShapeError>([&] { nn::he_normal({3}, random); }) ==
        "he_normal: the shape is [3]; it must be [out,in] or [out,in,...]; a bias starts from zeros");
}

// --- batches ------------------------------------------------------------------------------------------------

std::vector<std::int64_t> one_epoch(nn::Batches<double>& batches) {
  std::vector<std::int64_t> seen;
  for (const auto& [x, y] : batches) {
    REQUIRE(x.shape() == Shape{y.size(), 2});
    for (std::size_t i = 0; i < y.size(); ++i) {
      CHECK(x.value()(i, 0) == static_cast<double>(y(i)));
      CHECK(x.value()(i, 1) == static_cast<double>(-y(i)));
      seen.push_back(y(i));
    }
  }
  return seen;
}

TEST_CASE("batches: every row once, in another order each time, in the same for the same seed") {
  A x(Shape{10, 2});
  Labels y(Shape{10});
  for (int i = 0; i < 10; ++i) y(i) = i, x(i, 0) = i, x(i, 1) = -i;
  nn::Batches<double> batches(x, y, 4, 1), same(x, y, 4, 1), other(x, y, 4, 2);
  CHECK(batches.size() == 3);
  const auto first = one_epoch(batches), second = one_epoch(batches);
  CHECK(std::set(first.begin(), first.end()).size() == 10);
  CHECK(std::set(second.begin(), second.end()).size() == 10);
  CHECK(first != second);
  CHECK(one_epoch(same) == first);
  CHECK(one_epoch(same) == second);
  CHECK(one_epoch(other) != first);
  std::vector<V> kept;  // a batch that is kept is not written over
  for (const auto& [bx, by] : batches) kept.push_back(bx);
  REQUIRE(kept.size() == 3);
  CHECK(kept[2].shape() == Shape{2, 2});
  double total = 0;
  for (const V& k : kept)
    for (std::size_t i = 0; i < k.shape()[0]; ++i) total += k.value()(i, 0);
  CHECK(total == 45);
}

TEST_CASE("batches of images, of nothing, and errors") {
  nn::Batches images(Array<float>(Shape{3, 1, 8, 8}, 0.f), Labels{0, 1, 2}, 2, 1);
  for (const auto& [x, y] : images) CHECK(x.shape() == Shape{y.size(), 1, 8, 8});
  nn::Batches none(A(Shape{0, 4}), Labels(Shape{0}), 2, 1);
  CHECK(none.begin() == none.end());
  CHECK(message<ShapeError>([] {
          nn::Batches(A{{1, 1}, {2, 2}}, Labels{1, 2, 3}, 2, 1);
        }) == "Batches: x is [2,2] but y is [3]; y must be [2], a label for every row");
  CHECK(message<ValueError>([] { nn::Batches(A{1}, Labels{1}, 0, 1); }) ==
        "Batches: the size is 0; it must be at least 1");
}

// --- metrics, progress, and all of it together --------------------------------------------------------------

TEST_CASE("metrics") {
  CHECK(nn::argmax(A{{1, 3, 3}, {2, 1, 0}, {1, NAN, 5}}) == Labels{1, 0, 1});
  CHECK(nn::accuracy(Labels{1, 0, 1, 2}, Labels{1, 0, 2, 2}) == 0.75);
  CHECK(std::isnan(nn::accuracy(Labels(Shape{0}), Labels(Shape{0}))));
  CHECK(nn::confusion(Labels{1, 0, 1, 1}, Labels{1, 0, 0, 1}, 2) == Labels{{1, 1}, {0, 2}});
  CHECK(message<ValueError>([] {
          nn::confusion(Labels{0, 3}, Labels{0, 0}, 3);
        }) == "confusion: predicted[1] is 3; it must be in 0..2");
  CHECK(message<ShapeError>([] {
          nn::accuracy(Labels{0}, Labels{0, 1});
        }) == "accuracy: predicted is [1] and labels are [2]; both must be [N]");
}

TEST_CASE("progress in a log: as many lines as asked for, the last one among them") {
  std::FILE* const file = std::tmpfile();
  {
    nn::Progress progress("training", 25, file, 5);
    for (int i = 1; i <= 25; ++i) progress.at(i, "loss " + std::to_string(i));
  }
  std::rewind(file);
  std::string text(1000, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK(text ==
        "training 5/25  loss 5\ntraining 10/25  loss 10\ntraining 15/25  loss 15\ntraining 20/25  loss 20\n"
        "training 25/25  loss 25\n");
}

TEST_CASE("a tiny net learns exclusive or, with the same bits every time") {
  const auto train = [] {
    nn::Random random(2);
    nn::Sequential net{nn::Linear(2, 8, random), nn::Tanh(), nn::Linear(8, 2, random)};
    nn::Adam optimiser(net.parameters(), {.rate = 0.05});
    nn::Batches batches(Array<float>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, Labels{0, 1, 1, 0}, 3, 1);
    float last = 1;
    for (int epoch = 0; epoch < 400; ++epoch)
      for (const auto& [x, y] : batches) {
        Tape tape;
        const auto loss = losses::softmax_ce(net(x), y);
        tape.backward(loss);
        optimiser.step();
        optimiser.zero_grad();
        last = loss.item();
      }
    return last;
  };
  const float loss = train();
  CHECK(loss < 0.01f);
  CHECK(train() == loss);
}
