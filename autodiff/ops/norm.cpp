#include "autodiff/ops/norm.hpp"

#include <algorithm>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/ops/result.hpp"
#include "autodiff/ops/shape.hpp"
#include "autodiff/registry.hpp"

namespace wengert {
namespace {

using kernels::Index;

constexpr Op layer_norm_op{"layer_norm", "y = (x - mean) / sqrt(var + eps) weight + bias, over the trailing axes"},
    rms_norm_op{"rms_norm", "y = x / sqrt(mean of x^2 + eps) weight, over the trailing axes"},
    batch_norm_op{"batch_norm", "y = (x - mean) / sqrt(var + eps) weight + bias, by channel"};

template <class T> kernels::Moments<T> moments_in(const Variable<T>& numbers) {
  T* const p = out(numbers);
  const std::size_t groups = numbers.shape()[1];
  return {p, p + groups, p + 2 * groups};
}

template <class T> Variable<T> filled(const Shape& shape, T number) {
  Variable<T> all = make_result<T>(shape);
  std::fill_n(out(all), all.size(), number);
  return all;
}

/// Where the terms go.
template <class T> struct Edges {
  Edge<T> x, weight, bias;

  Edges(const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias)
      : x(edge(x)), weight(weight ? edge(weight) : Edge<T>{}), bias(bias ? edge(bias) : Edge<T>{}) {}
  explicit operator bool() const { return x || weight || bias; }
};

/// Which moments are functions of x.
enum class Computed { mean_and_variance, square, none };

/// The terms as ops on variables, for derivatives of derivatives. x is seen in a `shape` with the groups along `axes`, to
/// which weight stretches from its own; mean and r are what they are if not computed.
template <class T> struct Recorded {
  Shape shape, weight_shape;
  AxisList axes;
  Computed computed;
  double eps;
  Variable<T> mean, r;

  void add_terms(Upstream<T>& g, const Edges<T>& to, const Variable<T>& x, const Variable<T>& weight) {
    const auto mean_of = [&](const Variable<T>& a) { return wengert::mean(a, axes, true); };
    const auto shaped = [](const Variable<T>& a, const Shape& shape) { return reshape(a, Extents(shape)); };
    Variable<T> d = shaped(x, shape);
    if (computed == Computed::mean_and_variance) mean = mean_of(d);
    if (mean) d -= mean;
    if (computed != Computed::none) r = 1 / sqrt(mean_of(square(d)) + eps);
    const Variable<T> xhat = d * r, gy = shaped(*g, shape);
    if (to.x) {
      Variable<T> h = gy * shaped(weight, weight_shape);
      if (computed != Computed::none) {
        const Variable<T> along_xhat = xhat * mean_of(h * xhat);
        if (mean) h -= mean_of(h);
        h -= along_xhat;
      }
      g.add(to.x, shaped(r * h, x.shape()));
    }
    if (to.weight) g.add(to.weight, shaped(sum_to(gy * xhat, weight_shape), weight.shape()));
    if (to.bias) g.add(to.bias, shaped(sum_to(gy, weight_shape), weight.shape()));
  }
};

/// gx by a kernel that computes gweight and gbias along with it.
template <class T, class Run> struct Fused {
  Variable<T> g;
  const Run& run;

  Variable<T> value() {
    Variable<T> gx = is_free(g) ? make_result_in(g) : make_result<T>(g.shape());
    run(g, out(gx), false);
    return gx;
  }
  void add_to(T* gx) { run(g, gx, true); }
};

template <class T, class Run>
void add_terms(Upstream<T>& g, const Edges<T>& to, const Variable<T>& gweight, const Variable<T>& gbias, Run run) {
  if (g.wanted(to.x))
    g.add(to.x, Fused<T, Run>{g.take(), run});
  else
    run(*g, nullptr, false);
  if (to.weight) g.add(to.weight, gweight);
  if (to.bias) g.add(to.bias, gbias);
}

// --- rows ---------------------------------------------------------------------------------------------------------

struct Rows {
  std::size_t rows, length;

  Rows(const Shape& x, std::size_t trailing) : rows(1), length(1) {
    for (std::size_t i = 0; i < x.size(); ++i) (i + trailing < x.size() ? rows : length) *= x[i];
  }
};

template <class T>
Variable<T> row_norm(const Op& op, Variable<T> x, Variable<T> weight, const Variable<T>& bias, Computed computed,
                     double eps) {
  const Rows s(x.shape(), weight.rank());
  const bool centred = computed == Computed::mean_and_variance;
  const Edges<T> to(x, weight, bias);
  const Variable<T> moments = make_result<T>({3, s.rows}), shift = bias ? bias : filled(weight.shape(), T(0));
  Variable<T> y = is_free(x) && !to ? make_result_in(x) : make_result<T>(x.shape());
  kernels::of<T>().layer_norm({x.data(), weight.data(), shift.data(), Index(s.rows), Index(s.length), eps, centred,
                               out(y), moments_in(moments)});
  if (!to) return y;
  record(op, y, [to, computed, eps, x = saved(x), weight = saved(weight), moments](Upstream<T>& g) {
    const Rows s(x->shape(), weight->rank());
    if (recording()) {
      Recorded<T>{{s.rows, s.length}, {s.length}, 1, computed, eps, {}, {}}.add_terms(g, to, *x, *weight);
      return;
    }
    Variable<T> gweight, gbias, scratch;
    if (g.wanted(to.weight) || g.wanted(to.bias)) {
      gweight = make_result<T>(weight->shape());
      gbias = make_result<T>(weight->shape());
      scratch = make_result<T>({6, s.length});
    }
    const auto place = [](const Variable<T>& v) { return v ? out(v) : nullptr; };
    add_terms(g, to, gweight, gbias, [&](const Variable<T>& gy, T* gx, bool add) {
      kernels::of<T>().layer_norm_backward({gy.data(), x->data(), weight->data(), moments_in(moments), Index(s.rows),
                                            Index(s.length), computed == Computed::mean_and_variance, gx, add,
                                            place(gweight), place(gbias), place(scratch)});
    });
  });
  return y;
}

/// Weights of 1 over the last `axes` axes of x.
template <class T> Variable<T> ones(const Op& op, const Variable<T>& x, std::size_t axes) {
  const Shape& shape = x.shape();
  if (axes < 1 || axes > shape.size())
    throw ShapeError(std::string(op.name) + ": x is " + to_string(shape) + ", which has no last " +
                     std::to_string(axes) + " axes to normalise over");
  return filled(Shape(shape.end() - static_cast<std::ptrdiff_t>(axes), shape.end()), T(1));
}

template <class T>
void check_rows(const Op& op, const Variable<T>& x, const Variable<T>& weight, const Variable<T>& bias) {
  const Shape &sx = x.shape(), &sw = weight.shape();
  if (sw.size() == 0 || sw.size() > sx.size() || !std::equal(sw.rbegin(), sw.rend(), sx.rbegin()))
    throw ShapeError(std::string(op.name) + ": x is " + to_string(sx) + " but weight is " + to_string(sw) +
                     "; weight must have the shape of the last axes of x");
  if (bias && bias.shape() != sw)
    throw ShapeError(std::string(op.name) + ": weight is " + to_string(sw) + " but bias is " + to_string(bias.shape()) +
                     "; they must be equal");
}

// --- channels -----------------------------------------------------------------------------------------------------

struct Channels {
  std::size_t batch, channels, inner = 1;

  explicit Channels(const Shape& x) : batch(x[0]), channels(x[1]) {
    for (std::size_t i = 2; i < x.size(); ++i) inner *= x[i];
  }
};

template <class T> void check_channels(const Shape& x, const char* name, const Variable<T>& p) {
  if (p && p.shape() != Shape{x[1]})
    throw ShapeError("batch_norm: x is " + to_string(x) + " but " + name + " is " + to_string(p.shape()) + "; " + name +
                     " must be [" + std::to_string(x[1]) + "], one number a channel");
}

}  // namespace

template <class T> Variable<T> layer_norm(Variable<T> x, Variable<T> weight, Variable<T> bias, double eps) {
  check_rows(layer_norm_op, x, weight, bias);
  return row_norm(layer_norm_op, std::move(x), std::move(weight), bias, Computed::mean_and_variance, eps);
}
template <class T> Variable<T> layer_norm(Variable<T> x, std::size_t axes, double eps) {
  Variable<T> weight = ones(layer_norm_op, x, axes);
  return row_norm(layer_norm_op, std::move(x), std::move(weight), {}, Computed::mean_and_variance, eps);
}
template <class T> Variable<T> rms_norm(Variable<T> x, Variable<T> weight, double eps) {
  check_rows(rms_norm_op, x, weight, {});
  return row_norm(rms_norm_op, std::move(x), std::move(weight), {}, Computed::square, eps);
}
template <class T> Variable<T> rms_norm(Variable<T> x, std::size_t axes, double eps) {
  Variable<T> weight = ones(rms_norm_op, x, axes);
  return row_norm(rms_norm_op, std::move(x), std::move(weight), {}, Computed::square, eps);
}

template <class T>
Variable<T> batch_norm(Variable<T> x, Variable<T> weight, Variable<T> bias, Variable<T> running_mean,
                       Variable<T> running_var, BatchNorm options) {
  if (x.rank() < 2) throw ShapeError("batch_norm: x is " + to_string(x.shape()) + "; it must be [N,C,...]");
  check_channels(x.shape(), "weight", weight);
  check_channels(x.shape(), "bias", bias);
  check_channels(x.shape(), "running_mean", running_mean);
  check_channels(x.shape(), "running_var", running_var);
  const Channels s(x.shape());
  const std::size_t n = s.batch * s.inner;
  if (bool(running_mean) != bool(running_var) || (!running_mean && !options.training))
    throw ValueError(options.training
                         ? "batch_norm: running_mean and running_var must both be given, or neither"
                         : "batch_norm: running_mean and running_var must be given where it is not training");
  if (options.training && n == 1)
    throw ShapeError("batch_norm: x is " + to_string(x.shape()) +
                     ", one element a channel: its variance says nothing; train on more");

  const Edges<T> to(x, weight, bias);
  const Variable<T> scale = weight ? weight : filled({s.channels}, T(1)),
                    shift = bias ? bias : filled({s.channels}, T(0));
  const Variable<T> moments = make_result<T>({3, s.channels}), scratch = make_result<T>({6, s.channels});
  const kernels::Moments<T> m = moments_in(moments);
  T *moving_mean = nullptr, *moving_var = nullptr;
  if (options.training && running_mean && n > 0) {
    moving_mean = running_mean.mutable_value().storage().data();
    moving_var = running_var.mutable_value().storage().data();
  }
  for (std::size_t c = 0; !options.training && c < s.channels; ++c) {
    m.mean[c] = running_mean.data()[c];
    m.rest[c] = 0;
    m.r[c] = static_cast<T>(1 / std::sqrt(running_var.data()[c] + options.eps));
  }
  Variable<T> y = is_free(x) && !to ? make_result_in(x) : make_result<T>(x.shape());
  kernels::of<T>().batch_norm({x.data(), scale.data(), shift.data(), Index(s.batch), Index(s.channels), Index(s.inner),
                               options.eps, options.momentum, options.training, moving_mean, moving_var, out(y), m,
                               out(scratch)});
  if (!to) return y;
  record(batch_norm_op, y,
         [to, training = options.training, eps = options.eps, x = saved(x), weight = saved(scale),
          moments](Upstream<T>& g) {
           const Channels s(x->shape());
           const kernels::Moments<T> m = moments_in(moments);
           if (recording()) {
             Recorded<T> terms{{s.batch, s.channels, s.inner}, {s.channels, 1}, {0, 2}, Computed::none, eps, {}, {}};
             if (training) {
               terms.computed = Computed::mean_and_variance;
             } else {
               terms.mean = make_result<T>({s.channels, 1});
               terms.r = make_result<T>({s.channels, 1});
               std::copy_n(m.mean, s.channels, out(terms.mean));
               std::copy_n(m.r, s.channels, out(terms.r));
             }
             terms.add_terms(g, to, *x, *weight);
             return;
           }
           const Variable<T> gweight = make_result<T>({s.channels}), gbias = make_result<T>({s.channels}),
                             scratch = make_result<T>({6, s.channels});
           add_terms(g, to, gweight, gbias, [&](const Variable<T>& gy, T* gx, bool add) {
             kernels::of<T>().batch_norm_backward({gy.data(), x->data(), weight->data(), m, Index(s.batch),
                                                   Index(s.channels), Index(s.inner), training, gx, add, out(gweight),
                                                   out(gbias), out(scratch)});
           });
         });
  return y;
}

#define WENGERT_INSTANTIATE(T)                                                    \
  template Variable<T> layer_norm(Variable<T>, Variable<T>, Variable<T>, double); \
  template Variable<T> layer_norm(Variable<T>, std::size_t, double);              \
  template Variable<T> rms_norm(Variable<T>, Variable<T>, double);                \
  template Variable<T> rms_norm(Variable<T>, std::size_t, double);                \
  template Variable<T> batch_norm(Variable<T>, Variable<T>, Variable<T>, Variable<T>, Variable<T>, BatchNorm);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_norm() {
  const Input x{"x"}, weight{"weight", {-2, 2}, Draw::uniform, true}, bias{"bias", {-2, 2}, Draw::uniform, true};
  const Attribute axes{"axes", "int", "1", "how many trailing axes are normalised over, where there is no weight"},
      eps{"eps", "number", "1e-5"};
  return {declare(layer_norm_op, {x, weight, bias}, {axes, eps},
                  {"x=[3,5] weight=[5] bias=[5]", "x=[2,3,4] weight=[3,4] bias=[3,4] eps=0.1", "x=[3,7] weight=[7]",
                   "x=[2,3,4]", "x=[2,2,3] axes=2", "x=[9,3] weight=[3] bias=[3]", "x=[0,3] weight=[3] bias=[3]",
                   "x=[3,0] weight=[0]"},
                  [](const auto& a) {
                    return a["weight"]
                               ? layer_norm(a["x"], a["weight"], a["bias"], a.number("eps"))
                               : layer_norm(a["x"], static_cast<std::size_t>(a.integer("axes")), a.number("eps"));
                  }),
          declare(rms_norm_op, {x, weight}, {axes, eps},
                  {"x=[3,5] weight=[5]", "x=[2,3,4] weight=[3,4] eps=0.1", "x=[2,3,4]", "x=[2,2,3] axes=2",
                   "x=[9,3] weight=[3]", "x=[0,3] weight=[3]"},
                  [](const auto& a) {
                    return a["weight"] ? rms_norm(a["x"], a["weight"], a.number("eps"))
                                       : rms_norm(a["x"], static_cast<std::size_t>(a.integer("axes")), a.number("eps"));
                  }),
          declare(batch_norm_op,
                  {x,
                   weight,
                   bias,
                   {"running_mean", {-1, 1}, Draw::constant, true},
                   {"running_var", {0.5, 2}, Draw::constant, true}},
                  {{"training", "flag", "false", "the statistics of the batch, not the running ones"},
                   {"momentum", "number", "0.1"},
                   eps},
                  {"x=[5,3] weight=[3] bias=[3] running_mean=[3] running_var=[3]",
                   "x=[5,3] weight=[3] bias=[3] running_mean=[3] running_var=[3] training=true",
                   "x=[3,2,2,2] weight=[2] bias=[2] running_mean=[2] running_var=[2] eps=0.1",
                   "x=[3,2,2,2] weight=[2] bias=[2] running_mean=[2] running_var=[2] training=true momentum=0.5",
                   "x=[4,3] training=true", "x=[2,2,3] weight=[2] training=true eps=0.1",
                   "x=[4,2] bias=[2] running_mean=[2] running_var=[2]",
                   "x=[0,3] weight=[3] bias=[3] running_mean=[3] running_var=[3] training=true"},
                  [](const auto& a) {
                    // Copies of the running statistics: the call must not change its arguments.
                    const auto copy = [](const auto& v) { return v ? v.detach() : v; };
                    return batch_norm(a["x"], a["weight"], a["bias"], copy(a["running_mean"]), copy(a["running_var"]),
                                      {a.flag("training"), a.number("momentum"), a.number("eps")});
                  })};
}

}  // namespace wengert
