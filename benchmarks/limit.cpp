// What the machine allows: the same numbers without an engine.
#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "benchmarks/contenders.hpp"

namespace bench::limit {

void use_one_thread() { openblas_set_num_threads(1); }

namespace {

/// A list as R. E. Wengert had it: a line an op, with the values of its operands where it needs them.
template <int N> Work chain_of(int ops) {
  struct Node {
    int a, b;
    bool product;
    float value[N], gradient[N];
  };
  const auto start = numbers(N, 1), w = numbers(N, 2, 0.99, 1.01), b = numbers(N, 3, -0.01, 0.01);
  return [=, list = std::vector<Node>()]() mutable {
    const auto append = [&](int i, int j, bool product, const float* leaf) {
      Node& n = list.emplace_back(Node{i, j, product, {}, {}});
      for (int k = 0; k < N; ++k)
        n.value[k] = leaf      ? leaf[k]
                     : product ? list[i].value[k] * list[j].value[k]
                               : list[i].value[k] + list[j].value[k];
    };
    list.clear();
    list.reserve(static_cast<std::size_t>(ops) + 3);
    for (const float* leaf : {start.data(), w.data(), b.data()}) append(-1, -1, false, leaf);
    for (int i = 0, y = 0; i < ops; ++i, y = static_cast<int>(list.size()) - 1)
      append(y, i % 2 ? 2 : 1, i % 2 == 0, nullptr);
    std::fill_n(list.back().gradient, N, 1.f);
    for (std::size_t i = list.size() - 1; i > 2; --i) {
      const Node& n = list[i];
      Node &p = list[n.a], &q = list[n.b];
      for (int k = 0; k < N; ++k) {
        p.gradient[k] += n.product ? n.gradient[k] * q.value[k] : n.gradient[k];
        q.gradient[k] += n.product ? n.gradient[k] * p.value[k] : n.gradient[k];
      }
    }
  };
}

}  // namespace

Work chain(int ops, int width) { return width == 1 ? chain_of<1>(ops) : chain_of<16>(ops); }

Work mlp(const Mlp& m) {
  struct Layer {
    int in, out;
    std::vector<float> x, w, y;  // each serves as its own gradient: the numbers do not matter here
  };
  std::vector<Layer> net;
  for (std::size_t i = 1; i < m.layers.size(); ++i) {
    const std::size_t in = m.layers[i - 1], out = m.layers[i], n = m.batch;
    net.push_back({int(in), int(out), numbers(n * in, 1), numbers(in * out, 2), std::vector<float>(n * out)});
  }
  std::vector<std::vector<float>> gx, gw;
  for (const Layer& l : net) gx.emplace_back(l.x.size()), gw.emplace_back(l.w.size());
  return [=, n = m.batch]() mutable {
    for (Layer& l : net)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, l.out, l.in, 1, l.x.data(), l.in, l.w.data(), l.in, 0,
                  l.y.data(), l.out);
    for (std::size_t i = net.size(); i-- > 0;) {
      const Layer& l = net[i];
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, l.out, l.in, n, 1, l.y.data(), l.out, l.x.data(), l.in, 0,
                  gw[i].data(), l.in);
      if (i > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, l.in, l.out, 1, l.y.data(), l.out, l.w.data(), l.in,
                    0, gx[i].data(), l.in);
    }
  };
}

Work lenet(int batch) {
  // Y [m,n] = W [m,k] X [k,n], gW = gY X^T, gX = W^T gY: n outputs of the whole batch, k what one is summed over.
  struct Product {
    int m, k, n;
    bool input_gradient = true;
    std::vector<float> w, x, y, gw, gx;
  };
  std::vector<Product> net{{6, 25, 784, false}, {16, 150, 100}, {120, 400, 1}, {84, 120, 1}, {10, 84, 1}};
  for (Product& p : net) {
    p.n *= batch;
    const std::size_t m = p.m, k = p.k, n = p.n;
    p.w = numbers(m * k, 1), p.x = numbers(k * n, 2), p.y = numbers(m * n, 3), p.gw = p.w, p.gx = p.x;
  }
  return [=]() mutable {
    for (Product& p : net)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, p.m, p.n, p.k, 1, p.w.data(), p.k, p.x.data(), p.n, 0,
                  p.y.data(), p.n);
    for (Product& p : net) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p.m, p.k, p.n, 1, p.y.data(), p.n, p.x.data(), p.n, 0,
                  p.gw.data(), p.k);
      if (p.input_gradient)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, p.k, p.n, p.m, 1, p.w.data(), p.k, p.y.data(), p.n, 0,
                    p.gx.data(), p.n);
    }
  };
}

Work copy(int rows, int classes) {
  const std::size_t n = std::size_t(rows) * classes;
  return [from = numbers(n, 1), to = std::vector<float>(n)]() mutable {
    std::memcpy(to.data(), from.data(), to.size() * sizeof(float));
    asm volatile("" ::: "memory");
  };
}

}  // namespace bench::limit
