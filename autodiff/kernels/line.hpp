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
  template <class F> Values largest(F term) const {
    Values v = {};
    for (Index r = 0; r < rows; ++r) {
      Pack<T> most(-__builtin_inf());
      each_pack<T>(length, [&](auto place) { most = max(most, place.only(term(on(r, place)), -__builtin_inf())); });
      v.of_row[r] = max_lanes(most);
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
    for (Index l = 0; l < length; ++l) row(start + l * step, f);
  }
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

/// f(lines) for all lines of an array.
template <class T, class F> void each_line(const Lines& s, F f) {
  if (s.inner == 1) {
    constexpr Index block = 4096;  // elements, to be found in the cache again
    const Index some = s.length * Along<T>::most_rows <= block ? Along<T>::most_rows : 1;
    for (Index o = 0; o < s.outer; o += some) f(Along<T>{o, s.outer - o < some ? s.outer - o : some, s.length});
    return;
  }
  for (Index o = 0; o < s.outer; ++o)
    for (Index i = 0; i < s.inner; i += Across<T>::most_lines) {
      const Index lines = s.inner - i < Across<T>::most_lines ? s.inner - i : Across<T>::most_lines;
      f(Across<T>{o * s.inner + i, lines, o * s.length * s.inner + i, s.inner, s.length});
    }
}

}  // namespace
}  // namespace wengert::kernels
