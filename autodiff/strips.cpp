// Runs a list strip by strip.
#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/list.hpp"
#include "autodiff/stretch.hpp"

namespace wengert::fused {
namespace {

using kernels::Index;
using kernels::Kernels;

/// The longest strip: the first-level cache holds a dozen or more, and the call of a loop is hardly felt.
template <class T> constexpr Index longest = 2048 / sizeof(T);

/// Arrays of this size do not stay in the second-level cache. What a strip of them needs is fetched while the one before it
/// is computed, a burst that must not be longer than the processor can keep track of.
template <class T> constexpr Index large = (Index{1} << 19) / sizeof(T);
template <class T> constexpr Index burst = 1024 / sizeof(T);

/// The gradient of an operand that was stretched: a sum that does not drift. Where all strips see the same of the operand,
/// strips are added up before they are taken apart.
template <class T> class Sum {
 public:
  Sum(const Output<T>& output, const Shape& result, Index width)
      : output_(output), stretch_(*output.stretched, result), n_(count(*output.stretched)), total_(2 * n_, 0.) {
    if (stretch_.repeats_within(width)) strip_.assign(static_cast<std::size_t>(2 * width), 0.);
  }

  int line() const { return output_.line; }

  void add(const T* x, Index n) {
    if (strip_.empty()) return take_apart(x, n);
    used_ = std::max(used_, n);
    kernels::of<T>().carry(x, strip_.data(), strip_.data() + strip_.size() / 2, n, true);
  }

  void finish() {
    if (!strip_.empty()) {
      double *const high = strip_.data(), *const low = high + strip_.size() / 2;
      for (Index i = 0; i < used_; ++i) low[i] = high[i] - high[i] == 0 ? low[i] : 0;  // infinity - infinity
      take_apart(high, used_);
      take_apart(low, used_);
    }
    for (std::size_t i = 0; i < n_; ++i) {
      const double high = total_[i], low = high - high == 0 ? total_[n_ + i] : 0;
      const T sum = static_cast<T>((high + low) * output_.scale);
      output_.to[i] = output_.add ? output_.to[i] + sum : sum;
    }
  }

 private:
  template <class X> void take_apart(const X* x, Index n) {
    double *const high = total_.data(), *const low = high + n_;
    stretch_.next(n, [&](Index at, Index length, bool steps) {
      kernels::of<X>().carry(x, high + at, low + at, length, steps);
      x += length;
    });
  }

  Output<T> output_;
  Stretch stretch_;
  std::size_t n_;
  Index used_ = 0;                 // of the strip
  Scratch<double> strip_, total_;  // high parts, then low parts
};

/// Where the values of a line are: in an array of the result's size, or in a strip that is written again and again.
template <class T> struct Place {
  T* to = nullptr;          // where they are computed
  const T* from = nullptr;  // where they are read
  Index step = 0;           // 1: in an array
  Stretch* walk = nullptr;  // of an input that is stretched
  bool moves = false;       // they are others in every strip
  int last_use = -1;        // the line that reads them last
  int next_unused = -1;     // a line whose strip may be used again, too
};

/// A list that is ready to run.
template <class T> class Strips {
 public:
  Strips(const List& list, const Scratch<Operand<T>>& inputs, const Shape& result, const Scratch<Output<T>>& outputs)
      : list_(list),
        inputs_(inputs),
        outputs_(outputs),
        size_(static_cast<Index>(count(result))),
        end_(static_cast<int>(list.size())),
        places_(list.size()) {
    stretch(result);
    follow_lines();
    write_to_arrays();
    allot_strips();
  }

  void run() {
    for (Index start = 0; start < size_; start += width_) {
      const Index n = std::min(width_, size_ - start);
      if (size_ >= large<T>)
        for (int i = 0; i < end_; ++i)  // here: GCC sees no effect in a function that only fetches, and calls it never
          if (list_[i].kind == Kind::input && places_[i].step)
            for (Index k = start + n; k < std::min(start + n + width_, size_); k += 64 / sizeof(T))
              __builtin_prefetch(places_[i].from + k);
      for (int i = 0; i < end_; ++i)
        if (start == 0 || places_[i].moves) compute(list_[i], places_[i], start, n);
      for (Sum<T>& s : sums_) s.add(at(s.line(), start), n);
      for (const Output<T>& o : outputs_)
        if (!o.stretched) keep(at(o.line, start), o.to + start, n, o.add);
    }
    for (Sum<T>& s : sums_) s.finish();
  }

 private:
  const T* at(int line, Index start) const { return places_[line].from + start * places_[line].step; }

  void stretch(const Shape& result) {
    for (int i = 0; i < end_; ++i) {
      const Shape* const shape = list_[i].kind == Kind::input ? inputs_[list_[i].op].stretched : nullptr;
      if (!shape) continue;
      walks_.reserve(inputs_.size());  // they stay where they are
      places_[i].walk = &walks_.emplace_back(*shape, result);
      choose_width(*places_[i].walk);
    }
    for (const Output<T>& o : outputs_)
      if (o.stretched) choose_width(Stretch(*o.stretched, result));
    for (const Output<T>& o : outputs_)
      if (o.stretched) sums_.emplace_back(o, result, width_);
  }

  /// As long as may be, a multiple of what repeats itself. Of several such operands one is a multiple of the other.
  void choose_width(const Stretch& s) {
    const Index period = s.period();
    if (period > 0 && period <= longest<T>) width_ = std::min(width_, std::max(most_ / period, Index{1}) * period);
  }

  void follow_lines() {
    for (int i = 0; i < end_; ++i) {
      Place<T>& place = places_[i];
      if (list_[i].kind == Kind::input) {
        place.moves = !place.walk || !place.walk->repeats_within(width_);
        if (!place.walk) place.from = inputs_[list_[i].op].data, place.step = 1;
      }
      for (const int a : list_[i].arguments) {
        if (a < 0) continue;
        place.moves |= places_[a].moves;
        places_[a].last_use = i;
      }
    }
    for (const Output<T>& o : outputs_) places_[o.line].last_use = end_;
  }

  /// An output that is written, not added to, needs no strip. Nor does one in the array of an input, if that has been read
  /// for the last time.
  void write_to_arrays() {
    for (const Output<T>& o : outputs_) {
      Place<T>& place = places_[o.line];
      if (o.add || o.stretched || !place.moves || place.step || list_[o.line].kind == Kind::input) continue;
      bool read = false;
      for (int i = 0; i < end_; ++i)
        read |= list_[i].kind == Kind::input && inputs_[list_[i].op].data == o.to && places_[i].last_use > o.line;
      if (!read) place.from = place.to = o.to, place.step = 1;
    }
  }

  /// When a line has been read for the last time its strip is given on: the next line may be computed in place. What is
  /// computed once and for all keeps its own.
  void allot_strips() {
    std::size_t most = 0;
    for (int i = 0; i < end_; ++i) most += places_[i].step == 0;
    memory_.resize(most * longest<T>);
    T* fresh = memory_.data();
    int unused = -1;
    for (int i = 0; i < end_; ++i) {
      for (const int a : list_[i].arguments) {
        if (a < 0 || places_[a].last_use != i || !places_[a].moves || places_[a].step) continue;
        places_[a].next_unused = std::exchange(unused, a);
        places_[a].last_use = end_;
      }
      if (places_[i].step) continue;
      if (unused < 0 || !places_[i].moves) {
        places_[i].to = std::exchange(fresh, fresh + longest<T>);
      } else {
        places_[i].to = places_[unused].to;
        unused = places_[unused].next_unused;
      }
      places_[i].from = places_[i].to;
    }
  }

  void compute(const Line& line, Place<T>& place, Index start, Index n) {
    T* const to = place.to + start * place.step;
    const auto argument = [&](int k) { return line.arguments[k] < 0 ? nullptr : at(line.arguments[k], start); };
    const T *const a = argument(0), *const b = argument(1), *const c = argument(2), *const d = argument(3);
    const T p[] = {static_cast<T>(line.numbers[0]), static_cast<T>(line.numbers[1])};
    constexpr int both = int(kernels::Columns::both);
    switch (line.kind) {
      case Kind::input:
        if (place.walk) place.from = spread(inputs_[line.op].data, *place.walk, to, n);
        break;
      case Kind::constant: std::fill_n(to, n, p[0]); break;
      case Kind::unary: kernels_.unary[line.op].forward(a, to, n, p); break;
      case Kind::binary: kernels_.binary[line.op].forward[both](a, 0, b, 0, to, 1, n); break;
      case Kind::greater: kernels_.greater(a, b, false, to, n); break;
      case Kind::greater_equal: kernels_.greater(a, b, true, to, n); break;
      case Kind::select: kernels_.select(a, b, c, to, n); break;
      case Kind::unary_term: kernels_.unary[line.op].backward(a, b, c, to, n, false, p); break;
      case Kind::term_a:
      case Kind::term_b:
        kernels_.binary[line.op].backward[line.kind == Kind::term_b][both]({a, b, c, d, 0, 0, to, 0, 1, n, false});
        break;
    }
  }

  /// The next n elements of an input that is stretched: where they lie if they lie in a row, else copied to its strip.
  static const T* spread(const T* data, Stretch& walk, T* strip, Index n) {
    const T* at = strip;
    T* to = strip;
    walk.next(n, [&](Index i, Index length, bool steps) {
      if (steps && length == n)
        at = data + i;
      else if (steps)
        std::copy_n(data + i, length, to);
      else
        std::fill_n(to, length, data[i]);
      to += length;
    });
    return at;
  }

  void keep(const T* x, T* to, Index n, bool add) {
    if (add)
      kernels_.scale(x, 1, to, n, true);
    else if (x != to)
      std::copy_n(x, n, to);
  }

  const Kernels<T>& kernels_ = kernels::of<T>();
  const List& list_;
  const Scratch<Operand<T>>& inputs_;
  const Scratch<Output<T>>& outputs_;
  const Index size_;
  const int end_;
  const Index most_ = size_ < large<T> ? longest<T> : burst<T>;
  Index width_ = most_;
  Scratch<Place<T>> places_;
  Scratch<Stretch> walks_;
  Scratch<Sum<T>> sums_;
  xt::uvector<T, Allocator<T>> memory_;
};

}  // namespace

template <class T>
void run(const List& list, const Scratch<Operand<T>>& inputs, const Shape& result, const Scratch<Output<T>>& outputs) {
  Strips<T>(list, inputs, result, outputs).run();
}

template void run(const List&, const Scratch<Operand<float>>&, const Shape&, const Scratch<Output<float>>&);
template void run(const List&, const Scratch<Operand<double>>&, const Shape&, const Scratch<Output<double>>&);

}  // namespace wengert::fused
