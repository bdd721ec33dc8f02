// The lines of an array along an axis, for softmax and its relatives: a kernel is written once, and runs along rows (the
// axis is the last one: packs lie along a line) or across them (packs hold neighbouring lines, a lane each). It gets
// several lines at a time: short rows, so that what is done once a row is done in SIMD; a strip of neighbours, so that
// memory is read in runs.
#pragma once

#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// A place and the line it is on.
template <class Place> struct On : Place { Index line; };

template <class T> struct Limits;
template <> struct Limits<float> { static constexpr float least_normal = 0x1p-126f, most = 0x1.fffffep127f; };
template <> struct Limits<double> { static constexpr double least_normal = 0x1p-1022, most = 0x1.fffffffffffffp1023; };

/// Neither 0 nor subnormal, infinite or NaN.
template <class T> inline Mask<T> is_normal(Pack<T> x) {
  return (abs(x) >= Limits<T>::least_normal) & (abs(x) <= Limits<T>::most);
}

/// The largest of the numbers added; NaN if one of them was. What is lost in the comparisons is noticed beside them.
template <class T> struct Largest {
  Pack<T> most = -__builtin_inf();
  Mask<T> nan = {Pack<T>(0).v != Pack<T>(0).v};

  void add(Pack<T> x) {
    most = larger(most, x);
    nan = nan | (x != x);
  }
  void add(const Largest& other) {
    most = larger(most, other.most);
    nan = nan | other.nan;
  }
  Pack<T> value() const { return select(nan, Pack<T>(__builtin_nan("")), most); }
};

/// Some rows, one behind the other.
template <class T> struct Along {
  static constexpr Index most_rows = Pack<T>::lanes;
  Index first, rows, length;  // number of the first row

  /// One number a line.
  struct Values {
    alignas(64) T of_row[most_rows];
    template <class P> Pack<T> operator[](On<P> at) const { return of_row[at.line]; }
    Pack<T> operator[](Whole<T> all) const { return all.load(of_row); }
  };

  /// f(place) for all elements.
  template <class F> void each(F f) const {
    for (Index r = 0; r < rows; ++r) each_pack<T>(length, [&](auto place) { f(on(r, place)); });
  }
  /// NaN if a term is.
  template <class F> Values largest(F term) const {
    constexpr Index lanes = Pack<T>::lanes, strands = 4;
    Values v = {};
    for (Index r = 0; r < rows; ++r) {
      Largest<T> most[strands];
      Index i = 0;
      for (; i + strands * lanes <= length; i += strands * lanes)
        for (Index k = 0; k < strands; ++k) most[k].add(term(on(r, Whole<T>{i + k * lanes})));
      for (; i + lanes <= length; i += lanes) most[0].add(term(on(r, Whole<T>{i})));
      if (i < length) {
        const Part<T> rest{i, length - i};
        most[1].add(rest.only(term(on(r, rest)), -__builtin_inf()));
      }
      most[0].add(most[1]), most[2].add(most[3]), most[0].add(most[2]);
      v.of_row[r] = max_lanes(most[0].value());
    }
    return v;
  }
  template <class F> Values sum(F term) const {
    Values v = {};
    for (Index r = 0; r < rows; ++r)
      v.of_row[r] = static_cast<T>(sum_over<T>(length, [&](auto place) { return term(on(r, place)); }));
    return v;
  }
  /// f(at) for every line, many at a time: values[at] are theirs.
  template <class F> Values values(F f) const {
    Values v;
    const Whole<T> all{0};
    all.store(v.of_row, f(all));
    return v;
  }
  Values load(const T* p) const {
    return values([&](auto) { return place().load(p); });
  }
  void store(T* p, const Values& v) const { place().store(p, v[Whole<T>{0}]); }
  /// The first element of every line.
  Values load_first(const T* p) const {
    Values v = {};
    for (Index r = 0; r < rows; ++r) v.of_row[r] = p[(first + r) * length];
    return v;
  }
  /// Whether holds(at) is true of every line.
  template <class F> bool all(F holds) const { return lanes_set(holds(Whole<T>{0}), rows) + 1 == 1u << rows; }

 private:
  template <class P> On<P> on(Index row, P place) const {
    place.i += (first + row) * length;
    return {place, row};
  }
  Part<T> place() const { return {first, rows}; }
};

/// A strip of neighbouring lines, a lane each.
template <class T> struct Across {
  static constexpr Index lanes = Pack<T>::lanes, most_lines = 256, packs = most_lines / lanes;
  Index first, lines;         // number of the first line
  Index start, step, length;  // where its elements are

  struct Values {
    Pack<T> of_pack[packs];
    template <class P> Pack<T> operator[](On<P> at) const { return of_pack[at.line]; }
  };

  template <class F> void each(F f) const {
    for (Index l = 0; l < length; ++l) element(l, f);
  }
  /// f(place) for element l of every line.
  template <class F> void element(Index l, F f) const { row(start + l * step, f); }
  template <class F> Values largest(F term) const {
    Values v;
    for (Pack<T>& most : v.of_pack) most = -__builtin_inf();
    by_eights([](Pack<T> a, Pack<T> b) { return max(a, b); }, term,
              [&](Index k, Pack<T> x) { v.of_pack[k] = max(v.of_pack[k], x); });
    return v;
  }
  template <class F> Values sum(F term) const {
    Carried<Pack<T>> s[packs];
    by_eights([](Pack<T> a, Pack<T> b) { return a + b; }, term, [&](Index k, Pack<T> x) { s[k].add(x); });
    Values v;
    for (Index k = 0; k < packs; ++k) v.of_pack[k] = s[k].value();
    return v;
  }
  template <class F> Values values(F f) const {
    Values v;
    row(first, [&](auto at) { v.of_pack[at.line] = f(at); });
    return v;
  }
  Values load(const T* p) const {
    return values([&](auto at) { return at.load(p); });
  }
  void store(T* p, const Values& v) const {
    row(first, [&](auto at) { at.store(p, v[at]); });
  }
  Values load_first(const T* p) const {
    Values v;
    element(0, [&](auto at) { v.of_pack[at.line] = at.load(p); });
    return v;
  }
  template <class F> bool all(F holds) const {
    bool all = true;
    row(first, [&](auto at) { all &= lanes_set(holds(at), at.count) + 1 == 1u << at.count; });
    return all;
  }

 private:
  template <class F> void row(Index at, F f) const {
    Index k = 0;
    for (; (k + 1) * lanes <= lines; ++k) f(On<Whole<T>>{{at + k * lanes}, k});
    if (k * lanes < lines) f(On<Part<T>>{{at + k * lanes, lines - k * lanes}, k});
  }
  /// into(k, the terms of eight elements, combined) for every pack k, until all elements are used up.
  template <class Combine, class F, class Into> void by_eights(Combine combine, F term, Into into) const {
    for (Index l = 0; l < length; l += 8) {
      const Index end = length - l < 8 ? length - l : 8;
      row(start + l * step, [&](auto at) {
        Pack<T> x = term(at);
        for (Index i = 1; i < end; ++i) {
          at.i += step;
          x = combine(x, term(at));
        }
        into(at.line, x);
      });
    }
  }
};

/// f(lines) for all lines of an array, for rows and for strips of columns.
template <class T, class F> void each_row(const Lines& s, F f) {
  constexpr Index block = 4096;  // elements, to be found in the cache again
  const Index some = s.length * Along<T>::most_rows <= block ? Along<T>::most_rows : 1;
  for (Index o = 0; o < s.outer; o += some) f(Along<T>{o, s.outer - o < some ? s.outer - o : some, s.length});
}
template <class T, class F> void each_strip(const Lines& s, F f) {
  for (Index o = 0; o < s.outer; ++o)
    for (Index i = 0; i < s.inner; i += Across<T>::most_lines) {
      const Index lines = s.inner - i < Across<T>::most_lines ? s.inner - i : Across<T>::most_lines;
      f(Across<T>{o * s.inner + i, lines, o * s.length * s.inner + i, s.inner, s.length});
    }
}
template <class T, class F> void each_line(const Lines& s, F f) {
  if (s.inner == 1)
    each_row<T>(s, f);
  else
    each_strip<T>(s, f);
}

}  // namespace
}  // namespace wengert::kernels
