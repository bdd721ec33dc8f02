#include "losses/kl_div.hpp"

#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/pointwise.hpp"

namespace wengert::losses {
namespace {

constexpr Op kl_div_op{"kl_div", "L = mean of t (ln t - x)", {-3, 0}};

template <class T> bool is_probability(T t) { return t >= 0 && t - t == 0; }
template <class T> bool is_log(T t) { return t < std::numeric_limits<T>::infinity(); }

}  // namespace

template <class T> Variable<T> kl_div(Variable<T> x, std::type_identity_t<Variable<T>> targets, KlDiv<T> o) {
  const double rows = x.rank() ? static_cast<double>(x.shape()[0]) : 1;
  if (o.batchmean) {
    if (rows == 0)
      throw ValueError("kl_div: there are no rows, " + to_string(x.shape()) +
                       ", to take the mean of; reduce by sum, or skip the batch");
    o.reduction = Reduction::sum;
  }
  const auto call = [&](auto f, bool (*valid)(T), const char* rule) {
    return pointwise_times<T>(o.batchmean ? 1 / rows : 1, kl_div_op, "x", f, valid, rule, weighting(o), std::move(x),
                              constant(std::move(targets)));
  };
  const auto plain = [](auto x, auto t) { return select(t != 0, t * (log(select(t != 0, t, 1)) - x), 0); };
  const auto of_log = [](auto x, auto t) {
    const auto p = exp(t);
    return select(p != 0, p * (t - x), 0);
  };
  return o.log_target ? call(of_log, is_log<T>, "log targets must not be NaN or inf")
                      : call(plain, is_probability<T>, "targets must be probabilities, finite and not negative");
}

template Variable<float> kl_div(Variable<float>, Variable<float>, KlDiv<float>);
template Variable<double> kl_div(Variable<double>, Variable<double>, KlDiv<double>);

Declared declared_kl_div() {
  std::vector<std::string> samples = elementwise_samples("x");
  samples.push_back("x=[3,4] targets=[3,4] log_target=true");
  samples.push_back("x=[3,4] targets=[3,4] log_target=true row_weights=[3,1] reduction=sum");
  samples.push_back("x=[3,4] targets=[3,4] batchmean=true");
  return declare(kl_div_op, and_weights({{"x", {-3, 0}}, {"targets", {0, 1}, Draw::constant}}),
                 and_reduction({{"log_target", "flag", "false", "targets are ln of probabilities"},
                                {"batchmean", "flag", "false", "the sum over x.shape[0]"}}),
                 samples, [](const auto& a) {
                   const auto w = weighting_of(a);
                   return kl_div(a["x"], a["targets"],
                                 {w.reduction, w.row_weights, w.mask, a.flag("log_target"), a.flag("batchmean")});
                 });
}

}  // namespace wengert::losses
