// softmax, log_softmax and logsumexp along an axis. m is the maximum of the line; everything is a function of x - m,
// so nothing overflows.
#include "autodiff/kernels/line.hpp"
#include "autodiff/kernels/math.hpp"

namespace wengert::kernels {
namespace {

template <class L> struct Normaliser {
  typename L::Values most;    // m
  typename L::Values others;  // the sum of e^(x - m) over all but one entry that equals m
};

// The maximal entries are counted, not summed: each is exactly 1, and 1 + others would round the others away.
template <class T, class L> Normaliser<L> normaliser(const L& line, const T* x, T* exponentials) {
  const auto most = line.largest([&](auto at) { return at.load(x); });
  const auto ties = line.sum([&](auto at) { return select(at.load(x) == most[at], Pack<T>(1), Pack<T>(0)); });
  const auto others = line.sum([&](auto at) {
    const Pack<T> px = at.load(x);
    const Pack<T> e = exp_of_difference(px, most[at]);
    if (exponentials) at.store(exponentials, e);
    return select(px == most[at], Pack<T>(0), e);
  });
  return {most, line.values([&](auto at) { return others[at] + (ties[at] - 1.); })};
}

template <class T> void softmax(const T* x, T* y, Lines s) {
  each_line<T>(s, [&](auto line) {
    const auto n = normaliser(line, x, y);
    const auto k = line.values([&](auto at) { return Pack<T>(1) / (1. + n.others[at]); });
    line.each([&](auto at) { at.store(y, at.load(y) * k[at]); });
  });
}

// dy = y (dx - <y, dx>)   so   gx += y (g - <g, y>)
template <class T> void softmax_backward(const T* g, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto dot = line.sum([&](auto at) { return at.load(g) * at.load(y); });
    line.each([&](auto at) {
      const Pack<T> term = at.load(y) * (at.load(g) - dot[at]);
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

// y = x - m - log1p(others)
template <class T> void log_softmax(const T* x, T* y, Lines s) {
  each_line<T>(s, [&](auto line) {
    const auto n = normaliser<T>(line, x, nullptr);
    const auto rest = line.values([&](auto at) { return log1p(n.others[at]); });
    line.each([&](auto at) { at.store(y, (at.load(x) - n.most[at]) - rest[at]); });
  });
}

// dy = dx - <softmax, dx>   so   gx += g - e^y <g, 1>
template <class T> void log_softmax_backward(const T* g, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto total = line.sum([&](auto at) { return at.load(g); });
    line.each([&](auto at) {
      const Pack<T> term = at.load(g) - exp(at.load(y)) * total[at];
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

// y = m + log1p(others); m alone where it is infinite: a line of -inf has the sum 0, one with +inf the sum inf.
template <class T> void logsumexp(const T* x, T* y, Lines s) {
  each_line<T>(s, [&](auto line) {
    const auto n = normaliser<T>(line, x, nullptr);
    const Pack<T> infinite(__builtin_inf());
    line.store(y, line.values([&](auto at) {
      return select(abs(n.most[at]) == infinite, n.most[at], n.most[at] + log1p(n.others[at]));
    }));
  });
}

// dy = <softmax, dx>,  softmax = e^(x - y)   so   gx += g e^(x - y)
template <class T> void logsumexp_backward(const T* g, const T* x, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto upstream = line.load(g), lse = line.load(y);
    line.each([&](auto at) {
      const Pack<T> term = upstream[at] * exp_of_difference(at.load(x), lse[at]);
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_softmax(Kernels<T>& k) {
  k.softmax = softmax<T>;
  k.softmax_backward = softmax_backward<T>;
  k.log_softmax = log_softmax<T>;
  k.log_softmax_backward = log_softmax_backward<T>;
  k.logsumexp = logsumexp<T>;
  k.logsumexp_backward = logsumexp_backward<T>;
}
template void fill_softmax(Kernels<float>&);
template void fill_softmax(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
