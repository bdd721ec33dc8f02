// Normalisation: layer_norm and rms_norm over rows, batch_norm over channels. What a gradient is, is derived in
// ops/norm.hpp.
//
// xhat = (x - mean) r. The mean is first what the sum gives, rounded to T; d = x - mean is then nearly exact, the sum of d
// is what that mean lacks, and the sum of d^2 the variance (Chan, Golub, LeVeque, "Algorithms for computing the sample
// variance", 1983: the corrected two-pass algorithm). Data far from 0 lose nothing.
#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// K sums in one walk. Blocks of 16 packs are added plainly, the blocks with their rounding errors.
template <class T, int K> class Sums {
 public:
  /// term(place, part) over [0, n) adds to part[k] what belongs to sum k.
  template <class F> void add(Index n, F term) {
    constexpr Index lanes = Pack<T>::lanes, block = 16 * lanes;
    for (Index start = 0; start < n; start += block) {
      const Index end = n - start < block ? n : start + block;
      Pack<T> even[K], odd[K], last[K];
      for (int k = 0; k < K; ++k) even[k] = odd[k] = last[k] = Pack<T>(0);
      Index i = start;
      for (; i + 2 * lanes <= end; i += 2 * lanes) {
        term(Whole<T>{i}, even);
        term(Whole<T>{i + lanes}, odd);
      }
      if (i + lanes <= end) {
        term(Whole<T>{i}, even);
        i += lanes;
      }
      if (i < end) {
        const Part<T> rest{i, end - i};
        term(rest, last);
        for (int k = 0; k < K; ++k) odd[k] = odd[k] + rest.only(last[k]);
      }
      for (int k = 0; k < K; ++k) sums_[k].add(even[k] + odd[k]);
    }
  }
  double operator[](int k) const { return sum_lanes(sums_[k]); }

 private:
  Carried<Pack<T>> sums_[K];
};

struct Statistics {
  double mean, variance;
};

/// Finishes the moments of a group of n elements from `mean`, the sums of d = x - mean and of d^2.
template <class T>
Statistics finish(const Moments<T>& m, Index group, T mean, double sum, double squares, double n, double eps) {
  const double left = sum / n, spread = (squares - sum * left) / n, variance = spread < 0 ? 0 : spread;
  const double r = 1 / __builtin_sqrt(variance + eps);
  m.mean[group] = mean;
  m.rest[group] = static_cast<T>(-left * r);
  m.r[group] = static_cast<T>(r);
  return {mean + left, variance};
}

/// x -> xhat.
template <class T> struct Normaliser {
  Pack<T> mean, rest, r;

  Normaliser(Pack<T> mean, Pack<T> rest, Pack<T> r) : mean(mean), rest(rest), r(r) {}
  Normaliser(const Moments<T>& m, Index group) : Normaliser(m.mean[group], m.rest[group], m.r[group]) {}
  Pack<T> operator()(Pack<T> x) const { return fma(x - mean, r, rest); }
};

/// Sums down the columns, a row at a time: 8 rows plainly, the eights with their rounding errors.
template <class T> struct ColumnSum {
  T *part, *high, *low;
  Index columns;

  ColumnSum(T* scratch, Index columns) : part(scratch), high(part + columns), low(high + columns), columns(columns) {
    each_pack<T>(3 * columns, [&](auto at) { at.store(scratch, Pack<T>(0)); });
  }
  template <class Place> void add(Place at, Pack<T> x) const { at.store(part, at.load(part) + x); }
  /// After each row.
  void end_row(Index row) const {
    if (row % 8 == 7) fold();
  }
  void fold() const {
    each_pack<T>(columns, [&](auto at) {
      Carried<Pack<T>> sum{at.load(high), at.load(low)};
      sum.add(at.load(part));
      at.store(part, Pack<T>(0));
      at.store(high, sum.high);
      at.store(low, sum.low);
    });
  }
  double operator[](Index column) const { return static_cast<double>(high[column]) + low[column]; }
  void finish(T* out) const {
    fold();
    each_pack<T>(columns, [&](auto at) { at.store(out, at.load(high) + at.load(low)); });
  }
};

// --- rows --------------------------------------------------------------------------------------------------------

template <class T> void layer_norm(const LayerNorm<T>& k) {
  const auto n = static_cast<double>(k.length);
  for (Index i = 0; i < k.rows; ++i) {
    const T* const x = k.x + i * k.length;
    T* const y = k.y + i * k.length;
    const T mean = k.centred ? static_cast<T>(sum_over<T>(k.length, [&](auto at) { return at.load(x); }) / n) : T(0);
    Sums<T, 2> sums;
    sums.add(k.length, [&, mean = Pack<T>(mean)](auto at, Pack<T>(&part)[2]) {
      const Pack<T> d = at.load(x) - mean;
      part[0] = part[0] + d;
      part[1] = fma(d, d, part[1]);
    });
    finish(k.moments, i, mean, k.centred ? sums[0] : 0, sums[1], n, k.eps);
    const Normaliser<T> normalise(k.moments, i);
    each_pack<T>(k.length,
                 [&](auto at) { at.store(y, fma(normalise(at.load(x)), at.load(k.weight), at.load(k.bias))); });
  }
}

template <class T> void layer_norm_backward(const LayerNormBackward<T>& k) {
  const Index columns = k.gweight ? k.length : 0;
  const ColumnSum<T> gweight(k.scratch, columns), gbias(k.scratch + 3 * columns, columns);
  const double n = static_cast<double>(k.length);
  for (Index i = 0; i < k.rows; ++i) {
    const T *const g = k.g + i * k.length, *const x = k.x + i * k.length;
    const Normaliser<T> normalise(k.moments, i);
    Pack<T> mean_h(0), mean_hx(0);
    if (k.gx) {
      Sums<T, 2> sums;
      sums.add(k.length, [&](auto at, Pack<T>(&part)[2]) {
        const Pack<T> h = at.load(g) * at.load(k.weight);
        part[0] = part[0] + h;
        part[1] = fma(h, normalise(at.load(x)), part[1]);
      });
      mean_h = k.centred ? sums[0] / n : 0;
      mean_hx = sums[1] / n;
    }
    T* const gx = k.gx + i * k.length;
    each_pack<T>(k.length, [&](auto at) {
      const Pack<T> upstream = at.load(g), xhat = normalise(at.load(x));
      if (k.gweight) {
        gweight.add(at, upstream * xhat);
        gbias.add(at, upstream);
      }
      if (k.gx) {
        const Pack<T> term = normalise.r * (upstream * at.load(k.weight) - mean_h - xhat * mean_hx);
        at.store(gx, k.add ? at.load(gx) + term : term);
      }
    });
    if (k.gweight) gweight.end_row(i), gbias.end_row(i);
  }
  if (k.gweight) gweight.finish(k.gweight), gbias.finish(k.gbias);
}

// --- channels ----------------------------------------------------------------------------------------------------
//
// A channel is finished before the next is begun, so that it stays in the cache from one walk to the next. Where it has one
// element an example, channels are columns, and each walk is one over the whole array.

/// f(its first element) for every run of a channel.
template <class K, class F> void each_run(const K& k, Index channel, F f) {
  for (Index i = 0; i < k.batch; ++i) f((i * k.channels + channel) * k.inner);
}

/// f(row, place) over an array of columns; the place is within the row.
template <class T, class K, class F> void each_row(const K& k, F f) {
  for (Index i = 0; i < k.batch; ++i) each_pack<T>(k.channels, [&](auto at) { f(i * k.channels, at); });
}

/// One channel a lane.
template <class T, class Place> Normaliser<T> normaliser(const Moments<T>& m, Place at) {
  return {at.load(m.mean), at.load(m.rest), at.load(m.r)};
}

/// The statistics of the batch, and the running ones moved towards them.
template <class T> void finish(const BatchNorm<T>& k, Index channel, T mean, double sum, double squares) {
  const auto n = static_cast<double>(k.batch * k.inner);
  const Statistics s = finish(k.moments, channel, mean, sum, squares, n, k.eps);
  if (!k.running_mean) return;
  const auto move = [&](T& running, double to) { running = static_cast<T>(running + k.momentum * (to - running)); };
  move(k.running_mean[channel], s.mean);
  move(k.running_var[channel], s.variance * n / (n - 1));
}

// The mean of the first rows stands in for the mean, which would cost a walk of its own: it is off by less than the spread.
template <class T> void statistics_of_columns(const BatchNorm<T>& k) {
  T* const mean = k.moments.mean;
  const Index some = k.batch < 16 ? k.batch : 16;
  sum_rows<T>(
      some, k.channels, [&](Index i, auto at) { return at.load(k.x + i * k.channels); }, mean, false);
  each_pack<T>(k.channels, [&](auto at) { at.store(mean, at.load(mean) / static_cast<double>(some)); });
  const ColumnSum<T> sum(k.scratch, k.channels), squares(k.scratch + 3 * k.channels, k.channels);
  for (Index i = 0; i < k.batch; ++i) {
    each_pack<T>(k.channels, [&](auto at) {
      const Pack<T> d = at.load(k.x + i * k.channels) - at.load(mean);
      sum.add(at, d);
      squares.add(at, d * d);
    });
    sum.end_row(i), squares.end_row(i);
  }
  sum.fold(), squares.fold();
  for (Index c = 0; c < k.channels; ++c) finish<T>(k, c, mean[c], sum[c], squares[c]);
}

template <class T> void statistics_of_channel(const BatchNorm<T>& k, Index channel) {
  Sums<T, 1> total;
  each_run(k, channel, [&](Index run) {
    total.add(k.inner, [x = k.x + run](auto at, Pack<T>(&part)[1]) { part[0] = part[0] + at.load(x); });
  });
  const T mean = static_cast<T>(total[0] / static_cast<double>(k.batch * k.inner));
  Sums<T, 2> sums;
  each_run(k, channel, [&](Index run) {
    sums.add(k.inner, [x = k.x + run, mean = Pack<T>(mean)](auto at, Pack<T>(&part)[2]) {
      const Pack<T> d = at.load(x) - mean;
      part[0] = part[0] + d;
      part[1] = fma(d, d, part[1]);
    });
  });
  finish<T>(k, channel, mean, sums[0], sums[1]);
}

template <class T> void batch_norm(const BatchNorm<T>& k) {
  if (k.inner == 1) {
    if (k.training) statistics_of_columns(k);
    each_row<T>(k, [&](Index row, auto at) {
      const Pack<T> xhat = normaliser(k.moments, at)(at.load(k.x + row));
      at.store(k.y + row, fma(xhat, at.load(k.weight), at.load(k.bias)));
    });
    return;
  }
  for (Index c = 0; c < k.channels; ++c) {
    if (k.training) statistics_of_channel(k, c);
    const Normaliser<T> normalise(k.moments, c);
    const Pack<T> weight(k.weight[c]), bias(k.bias[c]);
    each_run(k, c, [&](Index run) {
      each_pack<T>(k.inner, [&](auto at) { at.store(k.y + run, fma(normalise(at.load(k.x + run)), weight, bias)); });
    });
  }
}

// In training gx needs the sums first, which are those of gweight and gbias:
//   gx = weight r (g - (gbias + xhat gweight) / n)
template <class T> void batch_norm_backward(const BatchNormBackward<T>& k) {
  const auto put = [&](auto at, T* gx, Pack<T> term) { at.store(gx, k.add ? at.load(gx) + term : term); };
  const bool at_once = k.gx && !k.training, after = k.gx && k.training;
  const Pack<T> part(1 / static_cast<double>(k.batch * k.inner));
  if (k.inner == 1) {
    const ColumnSum<T> gweight(k.scratch, k.channels), gbias(k.scratch + 3 * k.channels, k.channels);
    for (Index i = 0; i < k.batch; ++i) {
      const Index row = i * k.channels;
      each_pack<T>(k.channels, [&](auto at) {
        const Pack<T> g = at.load(k.g + row);
        const Normaliser<T> normalise = normaliser(k.moments, at);
        gweight.add(at, g * normalise(at.load(k.x + row)));
        gbias.add(at, g);
        if (at_once) put(at, k.gx + row, g * at.load(k.weight) * normalise.r);
      });
      gweight.end_row(i), gbias.end_row(i);
    }
    gweight.finish(k.gweight), gbias.finish(k.gbias);
    if (!after) return;
    each_row<T>(k, [&](Index row, auto at) {
      const Normaliser<T> normalise = normaliser(k.moments, at);
      const Pack<T> along = at.load(k.gbias) + normalise(at.load(k.x + row)) * at.load(k.gweight);
      put(at, k.gx + row, at.load(k.weight) * normalise.r * (at.load(k.g + row) - along * part));
    });
    return;
  }
  for (Index c = 0; c < k.channels; ++c) {
    const Normaliser<T> normalise(k.moments, c);
    const Pack<T> factor = normalise.r * k.weight[c];
    Sums<T, 2> sums;
    each_run(k, c, [&](Index run) {
      sums.add(k.inner, [&](auto at, Pack<T>(&part)[2]) {
        const Pack<T> g = at.load(k.g + run);
        part[0] = part[0] + g;
        part[1] = fma(g, normalise(at.load(k.x + run)), part[1]);
        if (at_once) put(at, k.gx + run, g * factor);
      });
    });
    k.gbias[c] = static_cast<T>(sums[0]);
    k.gweight[c] = static_cast<T>(sums[1]);
    if (!after) continue;
    const Pack<T> mean_g = part * sums[0], mean_gx = part * sums[1];
    each_run(k, c, [&](Index run) {
      each_pack<T>(k.inner, [&](auto at) {
        put(at, k.gx + run, factor * (at.load(k.g + run) - mean_g - normalise(at.load(k.x + run)) * mean_gx));
      });
    });
  }
}

}  // namespace

namespace WENGERT_ISA {

template <class T> void fill_norm(Kernels<T>& k) {
  k.layer_norm = layer_norm<T>;
  k.layer_norm_backward = layer_norm_backward<T>;
  k.batch_norm = batch_norm<T>;
  k.batch_norm_backward = batch_norm_backward<T>;
}
template void fill_norm(Kernels<float>&);
template void fill_norm(Kernels<double>&);

}  // namespace WENGERT_ISA
}  // namespace wengert::kernels
