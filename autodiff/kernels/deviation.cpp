// Sums of squares along an axis: variance, standard deviation, and the Euclidean norm.
#include "autodiff/kernels/line.hpp"

namespace wengert::kernels {
namespace {

/// Where a sum of squares has lost nothing that counts to overflow or underflow.
template <class T> Mask<T> is_safe(Pack<T> sum) {
  return (sum >= (sizeof(T) == 4 ? 0x1p-70 : 0x1p-900)) & is_normal(sum);
}

/// unit^2 sum is the sum of the squares of a line.
template <class L> struct Squares { typename L::Values sum, unit; };

/// In the unit 1, and only where that will not do, in that of the largest term.
template <class T, class L, class F> Squares<L> squares(const L& line, F term) {
  const auto plain = line.sum([&](auto at) {
    const Pack<T> t = term(at);
    return t * t;
  });
  const auto good = [&](auto at) { return is_safe(plain[at]); };
  if (line.all(good)) return {plain, line.values([&](auto) { return Pack<T>(1); })};
  const auto largest = line.largest([&](auto at) { return abs(term(at)); });
  const auto unit = line.values([&](auto at) {
    const Pack<T> m = largest[at];
    return select(good(at), Pack<T>(1), select((m > 0) & (m <= Limits<T>::most), m, Pack<T>(1)));
  });
  const auto scaled = line.sum([&](auto at) {
    const Pack<T> t = term(at) / unit[at];
    return t * t;
  });
  return {line.values([&](auto at) { return select(good(at), plain[at], scaled[at]); }), unit};
}

/// 1 / y for y >= 0, not above 1 / the least normal number; 0 for 0.
template <class T> Pack<T> safe_inverse(Pack<T> y) {
  const Pack<T> least = Limits<T>::least_normal;
  return select(y == Pack<T>(0), Pack<T>(0), 1 / select(y < least, least, y));
}

// x - m as (x - x_0) - (m - x_0), where m - x_0 is the mean of the x - x_0, in numbers of the size of the spread. If m - x_0 is
// off by eps |m - x_0|, the sum of squares is off by n eps^2 (m - x_0)^2, and (m - x_0)^2 is one of its own terms: nothing.
template <class T> void variance(const T* x, T* mean, T* y, Lines s, double factor, bool root) {
  const Pack<T> f(factor), n(static_cast<double>(s.length));
  each_line<T>(s, [&](auto line) {
    const auto first = line.load_first(x);
    const auto total = line.sum([&](auto at) { return at.load(x) - first[at]; });
    const auto m = line.values([&](auto at) { return total[at] / n; });
    line.store(mean, m);
    const auto sq = squares<T>(line, [&](auto at) { return (at.load(x) - first[at]) - m[at]; });
    line.store(y, line.values([&](auto at) {
      const Pack<T> v = sq.sum[at] * f;
      return root ? sqrt(v) * sq.unit[at] : v * sq.unit[at] * sq.unit[at];
    }));
  });
}

// v = <x - m, x - m> / n,   dv = (2/n) <x - m, dx>, since <x - m, dm> = 0.   y = sqrt v,   dy = dv / 2y.   y may be null: then
// the factor is 2/n and the gradient that of v; otherwise it is 1/n.
template <class T>
void variance_backward(const T* g, const T* x, const T* mean, const T* y, T* gx, Lines s, double factor, bool add) {
  const Pack<T> f(factor);
  each_line<T>(s, [&](auto line) {
    const auto first = line.load_first(x), m = line.load(mean), upstream = line.load(g);
    const auto root = line.load(y ? y : g);
    const auto inverse = line.values([&](auto at) { return y ? safe_inverse(root[at]) : Pack<T>(1); });
    const auto scale = line.values([&](auto at) { return upstream[at] * f; });
    line.each([&](auto at) {
      const Pack<T> term = ((at.load(x) - first[at]) - m[at]) * inverse[at] * scale[at];
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

template <class T> void norm(const T* x, T* y, Lines s) {
  each_line<T>(s, [&](auto line) {
    const auto sq = squares<T>(line, [&](auto at) { return at.load(x); });
    line.store(y, line.values([&](auto at) { return sqrt(sq.sum[at]) * sq.unit[at]; }));
  });
}

// y^2 = <x, x>,   dy = <x, dx> / y
template <class T> void norm_backward(const T* g, const T* x, const T* y, T* gx, Lines s, bool add) {
  each_line<T>(s, [&](auto line) {
    const auto upstream = line.load(g), norm = line.load(y);
    const auto inverse = line.values([&](auto at) { return safe_inverse(norm[at]); });
    line.each([&](auto at) {
      const Pack<T> term = at.load(x) * inverse[at] * upstream[at];
      at.store(gx, add ? at.load(gx) + term : term);
    });
  });
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_deviation(Kernels<T>& k) {
  k.variance = variance<T>;
  k.variance_backward = variance_backward<T>;
  k.norm = norm<T>;
  k.norm_backward = norm_backward<T>;
}
template void fill_deviation(Kernels<float>&);
template void fill_deviation(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
