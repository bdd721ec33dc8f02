#include "losses/nll.hpp"

#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/row_loss.hpp"
#include "losses/softmax_ce_rows.hpp"

namespace wengert::losses {
namespace {

constexpr Op nll_op{"nll", "L = mean of -s_t", {-3, 0}};

}  // namespace

template <class T> Variable<T> nll(Variable<T> scores, const Labels& labels, Nll<T> o) {
  const SoftmaxCe<T> options = as_softmax_ce(o);
  const Rows<T> rows("nll", scores.shape(), labels, options);
  const auto of_row = [&](const Row<T, 1>& r) {
    const std::int64_t t = rows.labels.storage()[r.number];
    const double c = o.class_weights ? static_cast<double>(o.class_weights.data()[t]) : 1.;
    for (kernels::Index j = 0; j < r.length; ++j) r.set(0, j, 0);
    r.set(0, t, -c);
    return c == 0 ? 0 : -c * static_cast<double>(r.x[0][t * r.step]);
  };
  const auto composed = [rows, options](const std::array<Variable<T>, 1>& s) {
    const Variable<T> w = rows.dense_weights(options);
    return -sum(where(w, w * s[0], Variable<T>(T(0))), static_cast<std::ptrdiff_t>(rows.axis), true);
  };
  return row_loss<T, 1>(nll_op, {{std::move(scores)}, rows.lines, rows.axis, rows.shape}, rows.weights, rows.divisor,
                        o.reduction, of_row, composed);
}

template Variable<float> nll(Variable<float>, const Labels&, Nll<float>);
template Variable<double> nll(Variable<double>, const Labels&, Nll<double>);

Declared declared_nll() {
  return declare(nll_op, class_inputs({-3, 0}), and_reduction(class_attributes()), class_samples(),
                 [](const auto& a) { return nll(a["scores"], a.indices("labels"), class_options<Nll>(a)); });
}

}  // namespace wengert::losses
