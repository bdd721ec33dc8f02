// Softmax and cross entropy of rows, value and gradient in one go. The derivation is in losses/softmax_ce.hpp; here z is
// the row after cap and temperature, m its maximum, T the sum of e^(z_j - m) over all but one entry that equals m,
// k = 1/(1 + T), w the weights of the classes, W their sum. Both types are computed in double; what a row needs twice
// stays in a scratch row, in the cache.
#include "autodiff/kernels/double_word.hpp"
#include "autodiff/kernels/line.hpp"

namespace wengert::kernels {
namespace {

using Double = Pack<double>;

// --- rows of T as doubles -----------------------------------------------------------------------------------------

template <class At> Double load_wide(const double* p, At at) { return at.load(p); }
template <class At> void store_narrow(double* p, At at, Double x) { at.store(p, x); }

#if defined(__AVX512BW__) && defined(__AVX512DQ__)
inline Double load_wide(const float* p, Whole<double> at) { return {_mm512_cvtps_pd(_mm256_loadu_ps(p + at.i))}; }
inline Double load_wide(const float* p, Part<double> at) {
  return {_mm512_cvtps_pd(_mm256_maskz_loadu_ps(static_cast<__mmask8>(at.mask()), p + at.i))};
}
inline void store_narrow(float* p, Whole<double> at, Double x) { _mm256_storeu_ps(p + at.i, _mm512_cvtpd_ps(x.v)); }
inline void store_narrow(float* p, Part<double> at, Double x) {
  _mm256_mask_storeu_ps(p + at.i, static_cast<__mmask8>(at.mask()), _mm512_cvtpd_ps(x.v));
}
#else
inline Double widen(const float* p) {
#if defined(__AVX2__) && defined(__FMA__)
  return {_mm256_cvtps_pd(_mm_loadu_ps(p))};
#else
  alignas(64) double lane[Double::lanes];
  for (Index k = 0; k < Double::lanes; ++k) lane[k] = p[k];
  return xsimd::batch<double, Isa>::load_aligned(lane);
#endif
}
inline void narrow(float* p, Double x) {
#if defined(__AVX2__) && defined(__FMA__)
  _mm_storeu_ps(p, _mm256_cvtpd_ps(x.v));
#else
  alignas(64) double lane[Double::lanes];
  x.v.store_aligned(lane);
  for (Index k = 0; k < Double::lanes; ++k) p[k] = static_cast<float>(lane[k]);
#endif
}
inline Double load_wide(const float* p, Whole<double> at) { return widen(p + at.i); }
inline void store_narrow(float* p, Whole<double> at, Double x) { narrow(p + at.i, x); }
inline Double load_wide(const float* p, Part<double> at) {
  alignas(64) float lane[Double::lanes] = {};
  for (Index k = 0; k < at.count; ++k) lane[k] = p[at.i + k];
  return widen(lane);
}
inline void store_narrow(float* p, Part<double> at, Double x) {
  alignas(64) float lane[Double::lanes];
  narrow(lane, x);
  for (Index k = 0; k < at.count; ++k) p[at.i + k] = lane[k];
}
#endif

/// e^d for d <= 0 within 2^-27: all that a float result can see.
inline Double exp_for_float(Double d) {
  using C = Constants<double>;
  d = select(d < C::low, Double(C::low), d);  // in this order NaN passes
  const Double n = fma(d, C::log2e, C::magic) - C::magic;
  const Double r = fma(n, -0.693147180559945309417, d), r2 = r * r;
  const Double high = fma(fma(r, 1. / 5040, 1. / 720), r2, fma(r, 1. / 120, 1. / 24));
  const Double low = fma(fma(r, 1. / 6, 0.5), r2, r + 1.);
  return scale_by_power(fma(high, r2 * r2, low), n);
}
/// e^(z - m), z <= m. The difference of two floats is all but exact in double; that of two doubles is not.
template <class T> Double exp_below(Double z, Double m) {
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
    constexpr Index lanes = Double::lanes;
    Double s[4] = {Double(0), Double(0), Double(0), Double(0)};
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

/// z, and its largest entry. If it `rests`, `rest` is what rounding took from z where it is not the scores themselves: in
/// double it decides on the last digits of e^(z - m).
template <class T, class Z, bool rests> struct Logits {
  const Z* z;
  const double* rest;
  Z most;
  double most_rest = 0;

  Logits(const Z* z, const double* rest, Index classes) : z(z), rest(rest), most(max_of_row(z, classes)) {
    if (!rests) return;
    most_rest = -__builtin_inf();
    for (Index j = 0; j < classes; ++j)
      if (z[j] == most && rest[j] > most_rest) most_rest = rest[j];
  }
  Double most_of_all() const { return Double(static_cast<double>(most)); }
  template <class At> Mask<double> is_most(At at) const {
    const Mask<double> equal = load_wide(z, at) == most_of_all();
    if constexpr (rests)
      return equal & (at.load(rest) == Double(most_rest));
    else
      return equal;
  }
  /// m - z
  double lead(Index j) const {
    const double d = static_cast<double>(most) - static_cast<double>(z[j]);
    return rests ? d + (most_rest - rest[j]) : d;
  }
  template <class At> Double lead(At at) const {
    const Double d = most_of_all() - load_wide(z, at);
    if constexpr (rests)
      return d + (most_rest - at.load(rest));
    else
      return d;
  }
  /// e^(z - m)
  double exp_below_most(Index j) const {
    return exp_below_most(Double(static_cast<double>(z[j])), Double(rests ? rest[j] : 0)).v.get(0);
  }
  template <class At> Double exp_below_most(At at) const {
    return exp_below_most(load_wide(z, at), rests ? at.load(rest) : Double(0));
  }
  Double exp_below_most(Double a, Double a_rest) const {
    const Double m = most_of_all();
    if constexpr (!rests) return exp_below<T>(a, m);
    const Double d = a - m, part = d - a, lost = ((a - (d - part)) - (m + part)) + (a_rest - most_rest);
    const Double low = select(abs(lost) < __builtin_inf(), lost, Double(0)), sum = d + low;
    const Double last = (d - sum) + low;
    return exp(sum, select(abs(last) < 1, last, Double(0)));
  }
};

/// The sum of e^(z_j - m) over the entries below m, and 1 for each that equals m but for the first. The exponentials stay
/// in e. Entries that equal m are counted, not summed: each is exactly 1, and would round the others away.
template <class T, class Z, bool rests> double tail_sum(Logits<T, Z, rests> z, Index classes, double* e) {
  const Double zero(0), one(1);
  Double ties(0);
  const double below = sum_row<T>(classes, [&](auto at) {
    const Double x = z.exp_below_most(at);
    const Mask<double> is_most = z.is_most(at);
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
  template <class At> Double operator()(At at) const {
    Double t(0);
    if (targets) t = load_wide(targets, at);
    if (share > 0) t = select(t == Double(0), t, Double(share));
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
template <class T, class Z, bool rests>
Row one_row(const SoftmaxCe<T>& c, const RowOf<T>& r, const Logits<T, Z, rests>& z, double row_scale, double* e,
            const double* slope) {
  const Index classes = c.lines.length;
  const Double zero(0);
  Row row;
  row.most = static_cast<double>(z.most);
  Weights<T> w{r.targets, c.class_weights, 0, 1 - c.smoothing, c.smoothing / static_cast<double>(classes)};
  const bool dense = r.targets || c.smoothing > 0;
  double spike = 0, spike_margin = 0;  // of the label
  if (r.targets) {
    if (c.shared)
      w.share = 1 / sum_row<float>(classes,
                                   [&](auto at) { return select(load_wide(r.targets, at) != zero, Double(1), zero); });
  } else {
    spike = w.kept * (c.class_weights ? static_cast<double>(c.class_weights[r.label]) : 1);
    spike_margin = z.lead(r.label);
  }
  // Read before the gradient may take its place.
  const bool label_is_most = !r.targets && z.z[r.label] == z.most && (!rests || z.rest[r.label] == z.most_rest);
  const double e_label = !r.targets && r.gradient && !label_is_most ? z.exp_below_most(r.label) : 1;
  if (dense) {
    row.weight = sum_row<T>(classes, w);
    row.margin = sum_row<T>(classes, [&](auto at) {
      const Double pw = w(at);
      return select(pw == zero, zero, pw * z.lead(at));
    });
  }
  row.weight += spike;
  if (spike != 0) row.margin += spike * spike_margin;
  row.tail = tail_sum(z, classes, e);
  if (row.most - row.most != 0) row.tail = __builtin_nan("");  // nothing can be said of an infinite score
  if (!r.gradient) return row;

  double a = row.weight;
  if (c.z_loss > 0) a += 2 * c.z_loss * (row.most + log1p(Double(row.tail)).v.get(0));
  const double k = a * row_scale / (1 + row.tail);
  const Double factor(k), away(row.tail * k), pa(a), scale(row_scale);
  if (dense)
    each_pack<double>(classes, [&](auto at) {
      const Double pe = at.load(e), pw = w(at);
      at.store(e, select(pe == Double(1), (pa - pw) * scale - away, pe * factor - pw * scale));
    });
  double at_label = 0;
  if (!r.targets) {
    const double w_label = spike + (dense ? w(Part<double>{r.label, 1}).v.get(0) : 0.);
    at_label = label_is_most ? (a - w_label) * row_scale - row.tail * k : e_label * k - w_label * row_scale;
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

/// z = cap tanh(s / cap) / temperature with its rest, and dz/ds = (1 - tanh^2) / temperature, as 4 q / (1 + q)^2 with
/// q = e^(-2 |s / cap|). Floats need no rest.
template <class T> void transform(const SoftmaxCe<T>& c, const T* scores, double* z, double* slope, double* rest) {
  const Double inverse(1 / c.temperature), temperature(c.temperature), cap(c.cap);
  each_pack<double>(c.lines.length, [&](auto at) {
    const Double s = load_wide(scores, at);
    Double capped = s, low(0), gradient = inverse;
    if (c.cap > 0) {
      Double u_rest(0), t_rest(0);
      const Double u = sizeof(T) == 8 ? quotient(s, Double(0), cap, u_rest) : s / cap;
      const Double t = sizeof(T) == 8 ? tanh_of(u, u_rest, t_rest) : tanh(u);
      const Double q = exp(-2 * abs(u)), one_more = 1. + q;
      capped = product(t, cap, low);
      low = low + cap * t_rest;
      gradient = 4 * q / (one_more * one_more) * inverse;
    }
    at.store(slope, gradient);
    Double z_rest(0);
    at.store(z, sizeof(T) == 8 ? quotient(capped, low, temperature, z_rest) : capped * inverse);
    if (rest) at.store(rest, select(abs(z_rest) < __builtin_inf(), z_rest, Double(0)));
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
    if (r.gradient) each_pack<double>(classes, [&](auto at) { store_narrow(r.gradient, at, Double(0)); });
    return {};
  }
  double* const e = scratch;
  if (!is_transformed(c)) return one_row(c, r, Logits<T, T, false>(r.scores, nullptr, classes), scale, e, nullptr);
  double *const z = e + classes, *const slope = z + classes, *const rest = sizeof(T) == 8 ? slope + classes : nullptr;
  transform(c, r.scores, z, slope, rest);
  return one_row(c, r, Logits<T, double, sizeof(T) == 8>(z, rest, classes), scale, e, slope);
}

constexpr Index tile = 8;  // rows that are gathered at once where classes do not lie side by side

/// The exponentials of a row; z, its slope and, in double, its rest.
template <class T> Index scratch_of_row(const SoftmaxCe<T>& c) {
  return c.lines.length * (!is_transformed(c) ? 1 : sizeof(T) == 8 ? 4 : 3);
}
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
      const Double rest = log1p(at.load(tail));
      Double l = at.load(margin) + at.load(weight) * rest;
      if (c.z_loss > 0) {
        const Double lse = at.load(most) + rest;
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
