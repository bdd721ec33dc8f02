#include "losses/multi_margin.hpp"

#include "autodiff/ops/index.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/row_loss.hpp"
#include "losses/softmax_ce_rows.hpp"

namespace wengert::losses {
namespace {

constexpr Op multi_margin_op{.name = "multi_margin",
                             .formula = "L = mean of c_t/C sum over k != t of max(0, margin - s_t + s_k)^p",
                             .kinked = true};

}  // namespace

template <class T> Variable<T> multi_margin(Variable<T> scores, const Labels& labels, MultiMargin<T> o) {
  need_number("multi_margin", o.p == 1 || o.p == 2, "p", o.p, "1 or 2");
  need_number("multi_margin", std::isfinite(o.margin), "margin", o.margin, "finite");
  const SoftmaxCe<T> options = as_softmax_ce(o);
  const Rows<T> rows("multi_margin", scores.shape(), labels, options);
  const auto classes = static_cast<double>(rows.lines.length);
  const auto of_row = [&](const Row<T, 1>& r) {
    const std::int64_t t = rows.labels.storage()[r.number];
    const double c = (o.class_weights ? static_cast<double>(o.class_weights.data()[t]) : 1.) / classes;
    const auto own = static_cast<double>(r.x[0][t * r.step]);
    const auto slope = [&](double h) { return o.p == 2 ? 2 * h : h > 0 ? 1. : h; };
    double loss = 0, pushes = 0;
    const auto push = [&](kernels::Index from, kernels::Index to) {
      double pushed[lanes] = {};
      loss += sum_over(from, to, [&](kernels::Index j, int lane) {
        const double at = o.margin + (static_cast<double>(r.x[0][j * r.step]) - own);
        const double h = at <= 0 ? 0. : at;  // NaN stays
        r.set(0, j, c * slope(h));
        pushed[lane] += slope(h);
        return o.p == 2 ? h * h : h;
      });
      for (const double p : pushed) pushes += p;
    };
    push(0, t);
    push(t + 1, r.length);
    r.set(0, t, -c * pushes);
    return c * loss;
  };
  const auto composed = [rows, options, o, classes](const std::array<Variable<T>, 1>& s) {
    const auto axis = static_cast<std::ptrdiff_t>(rows.axis);
    SoftmaxCe<T> plain = options;
    plain.class_weights = {};
    const Variable<T> label = rows.dense_weights(plain), weight = sum(rows.dense_weights(options), axis, true);
    const Variable<T> own = sum(where(label, s[0], Variable<T>(T(0))), axis, true);
    const Variable<T> h = where(label, Variable<T>(T(0)), relu(static_cast<T>(o.margin) - own + s[0]));
    return weight * sum(o.p == 2 ? square(h) : h, axis, true) / static_cast<T>(classes);
  };
  return row_loss<T, 1>(multi_margin_op, {{std::move(scores)}, rows.lines, rows.axis, rows.shape}, rows.weights,
                        divisor_of(o.reduction, rows.weights), o.reduction, of_row, composed);
}

template Variable<float> multi_margin(Variable<float>, const Labels&, MultiMargin<float>);
template Variable<double> multi_margin(Variable<double>, const Labels&, MultiMargin<double>);

Declared declared_multi_margin() {
  std::vector<Attribute> attributes = class_attributes();
  attributes.push_back({"p", "int", "1", "1 or 2"});
  attributes.push_back({"margin", "number", "1"});
  std::vector<std::string> samples = class_samples();
  samples.push_back("scores=[3,4] labels=[3] p=2");
  samples.push_back("scores=[3,4] labels=[3] weights=[4] p=2 margin=0.4");
  // From 2.2, so that no two drawn scores are a margin apart.
  return declare(multi_margin_op, class_inputs({-2, 2.2}, Draw::distinct), and_reduction(attributes), samples,
                 [](const auto& a) {
                   auto o = class_options<MultiMargin>(a);
                   o.p = static_cast<int>(a.integer("p"));
                   o.margin = a.number("margin");
                   return multi_margin(a["scores"], a.indices("labels"), o);
                 });
}

}  // namespace wengert::losses
