// Softmax and cross entropy of rows, value and gradient in one go. The derivation is in losses/softmax_ce.hpp; here z is
// the row after cap and temperature, m its maximum, T the sum of e^(z_j - m) over all but one entry that equals m,
// k = 1/(1 + T), w the weights of the classes, W their sum. Both types are computed in double; what a row needs twice
// stays in a scratch row, in the cache.
#include "autodiff/kernels/line.hpp"
#include "autodiff/kernels/math.hpp"

namespace wengert::kernels {
namespace {

using Wide = Pack<double>;

// --- rows of T as doubles -----------------------------------------------------------------------------------------

template <class At> Wide load_wide(const double* p, At at) { return at.load(p); }
template <class At> void store_narrow(double* p, At at, Wide x) { at.store(p, x); }

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
inline Wide load_wide(const float* p, Whole<double> at) { return {_mm512_cvtps_pd(_mm256_loadu_ps(p + at.i))}; }
inline Wide load_wide(const float* p, Part<double> at) {
  return {_mm512_cvtps_pd(_mm256_maskz_loadu_ps(static_cast<__mmask8>(at.mask()), p + at.i))};
}
inline void store_narrow(float* p, Whole<double> at, Wide x) { _mm256_storeu_ps(p + at.i, _mm512_cvtpd_ps(x.v)); }
inline void store_narrow(float* p, Part<double> at, Wide x) {
  _mm256_mask_storeu_ps(p + at.i, static_cast<__mmask8>(at.mask()), _mm512_cvtpd_ps(x.v));
}
#else
inline Wide widen(const float* p) {
#if defined(__AVX2__) && defined(__FMA__)
  return {_mm256_cvtps_pd(_mm_loadu_ps(p))};
#else
  alignas(64) double lane[Wide::lanes];
  for (Index k = 0; k < Wide::lanes; ++k) lane[k] = p[k];
  return xsimd::batch<double, Isa>::load_aligned(lane);
#endif
}
inline void narrow(float* p, Wide x) {
#if defined(__AVX2__) && defined(__FMA__)
  _mm_storeu_ps(p, _mm256_cvtpd_ps(x.v));
#else
  alignas(64) double lane[Wide::lanes];
  x.v.store_aligned(lane);
  for (Index k = 0; k < Wide::lanes; ++k) p[k] = static_cast<float>(lane[k]);
#endif
}
inline Wide load_wide(const float* p, Whole<double> at) { return widen(p + at.i); }
inline void store_narrow(float* p, Whole<double> at, Wide x) { narrow(p + at.i, x); }
inline Wide load_wide(const float* p, Part<double> at) {
  alignas(64) float lane[Wide::lanes] = {};
  for (Index k = 0; k < at.count; ++k) lane[k] = p[at.i + k];
  return widen(lane);
}
inline void store_narrow(float* p, Part<double> at, Wide x) {
  alignas(64) float lane[Wide::lanes];
  narrow(lane, x);
  for (Index k = 0; k < at.count; ++k) p[at.i + k] = lane[k];
}
#endif

/// e^d for d <= 0 within 2^-27: all that a float result can see.
inline Wide exp_for_float(Wide d) {
  using C = Constants<double>;
  d = select(d < C::low, Wide(C::low), d);  // in this order NaN passes
  const Wide n = fma(d, C::log2e, C::magic) - C::magic;
  const Wide r = fma(n, -0.693147180559945309417, d), r2 = r * r;
  const Wide high = fma(fma(r, 1. / 5040, 1. / 720), r2, fma(r, 1. / 120, 1. / 24));
  const Wide low = fma(fma(r, 1. / 6, 0.5), r2, r + 1.);
  return scale_by_power(fma(high, r2 * r2, low), n);
}
/// e^(z - m), z <= m. The difference of two floats is all but exact in double; that of two doubles is not.
template <class T> Wide exp_below(Wide z, Wide m) {
  if constexpr (sizeof(T) == 4)
    return exp_for_float(z - m);
  else
    return exp_of_difference(z, m);
}

/// The lanes of x added up: for float in double, for double with the rounding errors.
template <class T> double sum_row(Index n, auto term) {
  if constexpr (sizeof(T) == 8) {
    return sum_over<double>(n, term);
  } else {
    constexpr Index lanes = Wide::lanes;
    Wide s[4] = {Wide(0), Wide(0), Wide(0), Wide(0)};
    Index i = 0;
    for (; i + 4 * lanes <= n; i += 4 * lanes)
      for (Index k = 0; k < 4; ++k) s[k] = s[k] + term(Whole<double>{i + k * lanes});
    for (; i + lanes <= n; i += lanes) s[0] = s[0] + term(Whole<double>{i});
    if (i < n) {
      const Part<double> rest{i, n - i};
      s[1] = s[1] + rest.only(term(rest));
    }
    return xsimd::hadd(((s[0] + s[1]) + (s[2] + s[3])).v);
  }
}

// --- a row --------------------------------------------------------------------------------------------------------

/// A row with NaN may give any of its numbers: the sum of its exponentials is NaN in any case.
template <class Z> Z max_of_row(const Z* row, Index classes) {
  constexpr Index lanes = Pack<Z>::lanes;
  const Pack<Z> least(-__builtin_inf());
  Pack<Z> most[4] = {least, least, least, least};
  Index i = 0;
  for (; i + 4 * lanes <= classes; i += 4 * lanes)
    for (Index k = 0; k < 4; ++k) most[k] = larger(most[k], Whole<Z>{i + k * lanes}.load(row));
  for (; i + lanes <= classes; i += lanes) most[0] = larger(most[0], Whole<Z>{i}.load(row));
  if (i < classes) {
    const Part<Z> rest{i, classes - i};
    most[1] = larger(most[1], rest.only(rest.load(row), least));
  }
  return max_lanes(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}

/// The sum of e^(z_j - m) over the entries below m, and 1 for each that equals m but for the first. The exponentials stay
/// in e. Entries that equal m are counted, not summed: each is exactly 1, and would round the others away.
template <class T, class Z> double tail_sum(const Z* z, Index classes, Z m, double* e) {
  const Wide most(static_cast<double>(m)), zero(0), one(1);
  Wide ties(0);
  const double below = sum_row<T>(classes, [&](auto at) {
    const Wide pz = load_wide(z, at), x = exp_below<T>(pz, most);
    const Mask<double> is_most = pz == most;
    ties = ties + select(is_most, at.only(one), zero);
    at.store(e, x);
    return select(is_most, zero, x);
  });
  return below + (xsimd::hadd(ties.v) - 1);
}

/// The arrays of one row, contiguous.
template <class T> struct RowOf {
  const T* scores;
  const T* targets;  // or null
  T* gradient;       // or null
  Index label;       // if there are no targets
};

/// What is left to do for a row once its exponentials are known: loss = margin + weight lse', + z_loss lse^2, where
/// lse' = log1p(tail) and lse = m + lse'.
struct Row {
  double margin = 0, weight = 0, tail = 0, most = 0;
};

/// The weights of the classes: from targets, or what smoothing gives to all classes alike.
template <class T> struct Weights {
  const T *targets, *class_weights;
  double share;      // of a target that is not 0, if they share 1; or 0
  double kept, all;  // a target t counts kept t + all
  template <class At> Wide operator()(At at) const {
    Wide t(0);
    if (targets) t = load_wide(targets, at);
    if (share > 0) t = select(t == Wide(0), t, Wide(share));
    if (all > 0) t = t * kept + all;
    return class_weights ? t * load_wide(class_weights, at) : t;
  }
};

// With A = W + 2 z_loss lse, and dz the slope of cap and temperature, if any:
//
//   gradient = (A p_k - w_k) dz
//            = ((A - w_k) - A T k) dz   where z_k = m: there e_k = 1, and as p_k -> 1 nothing cancels that need not
//            = (A e_k k - w_k) dz       elsewhere
//
// For a label with weight 1 and nothing else: -T k or e_t k - 1 for its class, e_k k for the others.
template <class T, class Z>
Row one_row(const SoftmaxCe<T>& c, const RowOf<T>& r, const Z* z, double row_scale, double* e, const double* slope) {
  const Index classes = c.lines.length;
  const Z m = max_of_row(z, classes);
  const Wide most(static_cast<double>(m)), zero(0);
  Row row;
  row.most = static_cast<double>(m);
  Weights<T> w{r.targets, c.class_weights, 0, 1 - c.smoothing, c.smoothing / static_cast<double>(classes)};
  const bool dense = r.targets || c.smoothing > 0;
  double spike = 0, spike_margin = 0;  // of the label
  if (r.targets) {
    if (c.shared)
      w.share =
          1 / sum_row<float>(classes, [&](auto at) { return select(load_wide(r.targets, at) != zero, Wide(1), zero); });
  } else {
    spike = w.kept * (c.class_weights ? static_cast<double>(c.class_weights[r.label]) : 1);
    spike_margin = static_cast<double>(m) - static_cast<double>(z[r.label]);
  }
  const Z positive = r.targets ? Z(0) : z[r.label];  // read before the gradient may take its place
  if (dense) {
    row.weight = sum_row<T>(classes, w);
    row.margin = sum_row<T>(classes, [&](auto at) {
      const Wide pw = w(at);
      return select(pw == zero, zero, pw * (most - load_wide(z, at)));
    });
  }
  row.weight += spike;
  if (spike != 0) row.margin += spike * spike_margin;
  row.tail = tail_sum<T>(z, classes, m, e);
  if (!r.gradient) return row;

  double a = row.weight;
  if (c.z_loss > 0) a += 2 * c.z_loss * (row.most + log1p(Wide(row.tail)).v.get(0));
  const double k = a * row_scale / (1 + row.tail);
  const Wide factor(k), away(row.tail * k), pa(a), scale(row_scale);
  if (dense)
    each_pack<double>(classes, [&](auto at) {
      const Wide pe = at.load(e), pw = w(at);
      at.store(e, select(pe == Wide(1), (pa - pw) * scale - away, pe * factor - pw * scale));
    });
  double at_label = 0;
  if (!r.targets) {
    const double w_label = spike + (dense ? w(Part<double>{r.label, 1}).v.get(0) : 0.);
    at_label = positive == m
                   ? (a - w_label) * row_scale - row.tail * k
                   : exp_below<T>(Wide(static_cast<double>(positive)), most).v.get(0) * k - w_label * row_scale;
    if (slope) at_label *= slope[r.label];
  }
  if (dense && slope)
    each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, at.load(e) * at.load(slope)); });
  else if (dense)
    each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, at.load(e)); });
  else if (slope)
    each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, at.load(e) * factor * at.load(slope)); });
  else
    each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, at.load(e) * factor); });
  if (!r.targets) r.gradient[r.label] = static_cast<T>(at_label);
  return row;
}

/// z = cap tanh(s / cap) / temperature, and dz/ds = (1 - tanh^2) / temperature, as 4 q / (1 + q)^2 with q = e^(-2 |s / cap|).
template <class T> void transform(const SoftmaxCe<T>& c, const T* scores, double* z, double* slope) {
  const Wide inverse(1 / c.temperature);
  each_pack<double>(c.lines.length, [&](auto at) {
    const Wide s = load_wide(scores, at);
    if (c.cap > 0) {
      const Wide u = s / Wide(c.cap), q = exp(-2 * abs(u)), one_more = 1. + q;
      at.store(z, c.cap * tanh(u) * inverse);
      at.store(slope, 4 * q / (one_more * one_more) * inverse);
    } else {
      at.store(z, s * inverse);
      at.store(slope, inverse);
    }
  });
}

/// The number of its largest entry, the first of several; and how many stand before the label's.
template <class Z> void answers(const Z* z, Index classes, Index label, std::int64_t* best, std::int64_t* rank) {
  if (best) {
    *best = 0;
    for (Index j = 1; j < classes; ++j)
      if (z[j] > z[*best]) *best = j;
  }
  if (rank) {
    *rank = 0;
    for (Index j = 0; j < classes; ++j) *rank += z[j] > z[label] || (z[j] == z[label] && j < label);
  }
}

template <class T> bool is_transformed(const SoftmaxCe<T>& c) { return c.cap > 0 || c.temperature != 1; }

template <class T> Row row_number(const SoftmaxCe<T>& c, Index i, const RowOf<T>& r, double* scratch) {
  const Index classes = c.lines.length;
  const double scale = c.scale * (c.row_weights ? c.row_weights[i] : 1);
  std::int64_t* const best = c.best ? c.best + i : nullptr;
  std::int64_t* const rank = c.rank && c.labels ? c.rank + i : nullptr;
  if (rank && c.row_weights && c.row_weights[i] == 0) {
    *rank = -1;
    answers(r.scores, classes, 0, best, nullptr);
  } else if (best || rank) {
    answers(r.scores, classes, r.label, best, rank);
  }
  if (c.row_weights && c.row_weights[i] == 0) {  // whatever stands in it
    if (r.gradient) each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, Wide(0)); });
    return {};
  }
  double* const e = scratch;
  if (!is_transformed(c)) return one_row(c, r, r.scores, scale, e, nullptr);
  double *const z = e + classes, *const slope = z + classes;
  transform(c, r.scores, z, slope);
  return one_row(c, r, static_cast<const double*>(z), scale, e, slope);
}

constexpr Index tile = 8;  // rows that are gathered at once where classes do not lie side by side

/// The exponentials of a row; z and its slope.
template <class T> Index scratch_of_row(const SoftmaxCe<T>& c) { return c.lines.length * (is_transformed(c) ? 3 : 1); }
template <class T> Index scratch_of_softmax_ce(const SoftmaxCe<T>& c) {
  return scratch_of_row(c) + (c.lines.inner > 1 ? 3 * tile * c.lines.length : 0);
}

template <class T> double softmax_ce(const SoftmaxCe<T>& c) {
  constexpr Index block = 64;
  const Index classes = c.lines.length, inner = c.lines.inner, rows = c.lines.outer * inner;
  T* const scores = reinterpret_cast<T*>(c.scratch + scratch_of_row(c));
  T *const targets = scores + tile * classes, *const gradient = targets + tile * classes;
  Row row[block];
  alignas(64) double margin[block], weight[block], tail[block], most[block], loss[block];
  Carried<double> total;

  const auto compute = [&](Index i, Index at) {  // rows that lie in one piece
    const Index offset = i * classes;
    row[at] = row_number(c, i,
                         {c.scores + offset, c.targets ? c.targets + offset : nullptr,
                          c.gradient ? c.gradient + offset : nullptr, c.labels ? Index(c.labels[i]) : 0},
                         c.scratch);
  };
  const auto compute_tile = [&](Index i, Index at, Index n) {  // n rows, none beyond its outer index
    const Index offset = i / inner * classes * inner + i % inner;
    const auto gather = [&](const T* from, T* to) {
      for (Index j = 0; j < classes; ++j)
        for (Index k = 0; k < n; ++k) to[k * classes + j] = from[offset + j * inner + k];
    };
    gather(c.scores, scores);
    if (c.targets) gather(c.targets, targets);
    for (Index k = 0; k < n; ++k)
      row[at + k] = row_number(c, i + k,
                               {scores + k * classes, c.targets ? targets + k * classes : nullptr,
                                c.gradient ? gradient + k * classes : nullptr, c.labels ? Index(c.labels[i + k]) : 0},
                               c.scratch);
    if (c.gradient)
      for (Index j = 0; j < classes; ++j)
        for (Index k = 0; k < n; ++k) c.gradient[offset + j * inner + k] = gradient[k * classes + j];
  };

  for (Index first = 0; first < rows; first += block) {
    const Index n = rows - first < block ? rows - first : block;
    for (Index i = 0; i < n;) {
      if (inner == 1) {
        compute(first + i, i), ++i;
        continue;
      }
      Index run = inner - (first + i) % inner;
      run = run < n - i ? run : n - i;
      run = run < tile ? run : tile;
      compute_tile(first + i, i, run);
      i += run;
    }
    for (Index i = 0; i < n; ++i)
      margin[i] = row[i].margin, weight[i] = row[i].weight, tail[i] = row[i].tail, most[i] = row[i].most;
    each_pack<double>(n, [&](auto at) {
      const Wide rest = log1p(at.load(tail));
      Wide l = at.load(margin) + at.load(weight) * rest;
      if (c.z_loss > 0) {
        const Wide lse = at.load(most) + rest;
        l = l + c.z_loss * lse * lse;
      }
      at.store(loss, l);
    });
    if (c.row_weights)
      each_pack<double>(n, [&](auto at) { at.store(loss, at.load(loss) * at.load(c.row_weights + first)); });
    total.add(sum_over<double>(n, [&](auto at) { return at.load(loss); }));
    if (c.losses)
      for (Index i = 0; i < n; ++i) c.losses[first + i] = static_cast<T>(loss[i]);
  }
  return total.value();
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_softmax_ce(Kernels<T>& k) {
  k.softmax_ce = softmax_ce<T>;
  k.softmax_ce_scratch = scratch_of_softmax_ce<T>;
}
template void fill_softmax_ce(Kernels<float>&);
template void fill_softmax_ce(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
