// A steady training step takes nothing from the heap. Counted by standing in front of malloc; not under a sanitizer,
// which stands there itself.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>

#include "autodiff/autodiff.hpp"
#include "losses/losses.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static std::atomic<long> allocations = 0;

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) { return ++allocations, __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) { return ++allocations, __libc_calloc(n, size); }
void* realloc(void* p, std::size_t n) { return ++allocations, __libc_realloc(p, n); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) {
  ++allocations;
  return (*p = __libc_memalign(alignment, n)) ? 0 : 12;
}
}

using namespace wengert;

TEST_CASE("a steady training step allocates nothing") {
  using V = Variable<float>;
  V w1 = parameter(Array<float>(Shape{32, 64}, 0.01f)), b1 = parameter(Array<float>(Shape{32}, 0.f));
  V w2 = parameter(Array<float>(Shape{10, 32}, 0.02f)), b2 = parameter(Array<float>(Shape{10}, 0.f));
  const V x = Array<float>(Shape{16, 64}, 0.5f);
  const Labels labels(Shape{16}, 3);
  const auto step = [&] {
    const V noise = Array<float>(Shape{16, 64}, 0.1f);  // a new constant every time
    Tape tape;
    const V h = tanh(linear(x + noise, w1, b1)) * 2 + w1.value()(0, 0);
    const V penalty = sum(square(w1), {0, 1}) + mean(exp(b1)) - max(softmax(w2, 0));
    tape.backward(losses::softmax_ce(linear(relu(h), w2, b2), labels) + 0.001f * penalty);
    for (V* p : {&w1, &b1, &w2, &b2}) {
      p->mutable_value().storage()[0] -= 0.01f * p->grad().storage()[0];
      p->zero_grad();
    }
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) step();
  const long before = allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(allocations - before == 0);
  const long probe = allocations;
  std::free(std::malloc(8));  // the counter counts
  CHECK(allocations - probe == 1);
}

TEST_CASE("steady losses allocate nothing") {
  using V = Variable<float>;
  const V x = parameter(Array<float>(Shape{16, 8}, 0.5f));
  const V t = Array<float>(Shape{16, 8}, 0.25f), sign = Array<float>(Shape{16}, -1.f),
          w = Array<float>(Shape{16, 1}, 2.f), mask = Array<float>(Shape{16, 8}, 1.f),
          rows = Array<float>(Shape{16}, 2.f);
  const Labels labels(Shape{16}, 3);
  const auto step = [&] {
    Tape tape;
    V loss = losses::mse(x, t) + losses::huber(x, t, {.row_weights = w, .mask = mask}) + losses::bce_with_logits(x, t) +
             losses::sigmoid_focal(x, t) + losses::kl_div(x, t) + losses::nll(x, labels) +
             losses::multi_margin(x, labels, {.row_weights = rows}) + losses::softmax_focal(x, labels) +
             losses::cosine_embedding(x, t, sign) + losses::triplet(x, t, x * 2);
    tape.backward(loss);
    V(x).zero_grad();
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) step();
  const long before = allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(allocations - before == 0);
}

TEST_CASE("steady linear algebra allocates nothing") {
  using V = Variable<float>;
  Array<float> spd(Shape{2, 8, 8}, 0.1f);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t k = 0; k < 8; ++k) spd(i, k, k) = 2;
  V a = parameter(spd), b = parameter(Array<float>(Shape{8, 3}, 0.5f)), v = parameter(Array<float>(Shape{8}, 0.5f));
  const auto step = [&] {
    Tape tape;
    const V l = cholesky(a);
    tape.backward(sum(matmul(solve(a, b), b, {.b = true})) + sum(matmul(inv(a), v)) + sum(logdet(a)) +
                  sum(solve_triangular(l, v)) + sum(outer(v, v)) + sum(solve(a, v)));
    for (V* p : {&a, &b, &v}) p->zero_grad();
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) step();
  const long before = allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(allocations - before == 0);
}

#endif
