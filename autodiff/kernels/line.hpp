// A line of an array along an axis, for softmax and its relatives: written once, run along rows (the axis is the
// last one: packs lie along the line) or across them (the packs hold neighbouring lines, a lane each).
#pragma once

#include "autodiff/kernels/sum.hpp"

namespace wengert::kernels {
namespace {

/// One contiguous line. `largest` and `sum` give their result in every lane.
template <class T> struct Along {
  Index start, length;

  template <class F> void each(F f) const {
    each_pack<T>(length, [&](auto place) {
      place.i += start;
      f(place);
    });
  }
  template <class F> Pack<T> largest(F term) const {
    Pack<T> most(-__builtin_inf());
    each([&](auto place) { most = max(most, place.only(term(place), -__builtin_inf())); });
    return max_lanes(most);
  }
  template <class F> Pack<T> sum(F term) const {
    return sum_over<T>(length, [&](auto place) {
      place.i += start;
      return term(place);
    });
  }
  /// One value a line.
  Pack<T> load_one(const T* p, Index line) const { return p[line]; }
  void store_one(T* p, Index line, Pack<T> x) const { Part<T>{line, 1}.store(p, x); }
};

/// Neighbouring lines, a lane each; step is the distance between a line's elements.
template <class T, class Place> struct Across {
  Place first;  // of each line's first element
  Index step, length;

  template <class F> void each(F f) const {
    Place place = first;
    for (Index l = 0; l < length; ++l, place.i += step) f(place);
  }
  template <class F> Pack<T> largest(F term) const {
    Pack<T> most(-__builtin_inf());
    each([&](auto place) { most = max(most, term(place)); });
    return most;
  }
  template <class F> Pack<T> sum(F term) const {
    Carried<Pack<T>> s;
    each([&](auto place) { s.add(term(place)); });
    return s.value();
  }
  Pack<T> load_one(const T* p, Index line) const { return at(line).load(p); }
  void store_one(T* p, Index line, Pack<T> x) const { at(line).store(p, x); }

 private:
  Place at(Index line) const {
    Place place = first;
    place.i = line;
    return place;
  }
};

/// f(line, number of its result) for every line of an array.
template <class T, class F> void each_line(const Lines& s, F f) {
  for (Index o = 0; o < s.outer; ++o)
    if (s.inner == 1)
      f(Along<T>{o * s.length, s.length}, o);
    else
      each_pack<T>(s.inner, [&](auto place) {
        const Index result = o * s.inner + place.i;
        place.i += o * s.length * s.inner;
        f(Across<T, decltype(place)>{place, s.inner, s.length}, result);
      });
}

}  // namespace
}  // namespace wengert::kernels
