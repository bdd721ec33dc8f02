#include "losses/binary.hpp"

#include "autodiff/broadcast.hpp"
#include "losses/declare.hpp"
#include "losses/losses.hpp"
#include "losses/pointwise.hpp"

namespace wengert::losses {
namespace {

constexpr Op bce_op{"bce_with_logits", "L = mean of (c t softplus(-s) + (1 - t) softplus(s))", {-3, 3}};
constexpr Op focal_op{"sigmoid_focal", "L = mean of -a_t (1 - p_t)^gamma ln p_t", {-3, 3}};
constexpr Op hinge_op{.name = "hinge", .formula = "L = mean of max(0, margin - t s)", .kinked = true};
constexpr Op squared_hinge_op{.name = "squared_hinge", .formula = "L = mean of max(0, margin - t s)^2", .kinked = true};

template <class T> void check_pos_weight(const Variable<T>& w, const Shape& scores) {
  if (!w) return;
  if (broadcast_shape("bce_with_logits", w.shape(), scores, "pos_weight", "scores") != scores)
    throw ShapeError("bce_with_logits: pos_weight is " + to_string(w.shape()) + " but scores are " + to_string(scores) +
                     "; it must stretch to them");
  for (std::size_t i = 0; i < w.size(); ++i)
    need_number("bce_with_logits", w.data()[i] >= 0 && is_finite(w.data()[i]),
                "pos_weight " + name_of_element(i, w.shape()), static_cast<double>(w.data()[i]),
                "finite and not negative");
}

/// w_1 l(-s) + w_0 l(s), of which a term of no weight is 0 whatever the score is.
template <class N, class L> N of_both(N s, N positive, N negative, L l) {
  return select(positive != 0, positive * l(-s), 0) + select(negative != 0, negative * l(s), 0);
}

}  // namespace

template <class T>
Variable<T> bce_with_logits(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Bce<T> o) {
  check_pos_weight(o.pos_weight, scores.shape());
  const auto loss = [](auto s) { return softplus(s); };
  const auto plain = [loss](auto s, auto t) { return of_both(s, t, 1 - t, loss); };
  const auto weighted = [loss](auto s, auto t, auto c) { return of_both(s, c * t, 1 - t, loss); };
  const auto call = [&](auto f, auto... c) {
    return pointwise<T>(bce_op, "scores", f, is_finite<T>, finite_rule, weighting(o), std::move(scores),
                        constant(std::move(targets)), std::move(c)...);
  };
  return o.pos_weight ? call(weighted, constant(o.pos_weight)) : call(plain);
}

template <class T>
Variable<T> sigmoid_focal(Variable<T> scores, std::type_identity_t<Variable<T>> targets, SigmoidFocal<T> o) {
  need_number("sigmoid_focal", o.gamma >= 0 && is_finite(o.gamma), "gamma", o.gamma, "finite and not negative");
  need_number("sigmoid_focal", o.alpha <= 1, "alpha", o.alpha, "in 0..1, or below 0 for none");
  const double positive = o.alpha < 0 ? 1 : o.alpha, negative = o.alpha < 0 ? 1 : 1 - o.alpha;
  const auto f = [=, gamma = o.gamma, least = double(std::numeric_limits<T>::min())](auto s, auto t) {
    const auto ce = of_both(s, t, 1 - t, [](auto s) { return softplus(s); });
    const auto wrong = maximum((1 - t) * sigmoid(s) + t * sigmoid(-s), least);  // 1 - p_t; below, the loss vanishes
    const auto weighted = (negative + (positive - negative) * t) * ce;
    return gamma == 0 ? weighted : weighted * (gamma == 1 ? wrong : gamma == 2 ? square(wrong) : pow(wrong, gamma));
  };
  return pointwise<T>(focal_op, "scores", f, is_finite<T>, finite_rule, weighting(o), std::move(scores),
                      constant(std::move(targets)));
}

namespace {
template <class T, class F>
Variable<T> hinge(const Op& op, F f, Variable<T> scores, Variable<T> targets, const Hinge<T>& o) {
  need_number(op.name, is_finite(o.margin), "margin", o.margin, "finite");
  need_same_shape(op.name, "scores", scores.shape(), targets.shape());
  need_targets(op.name, targets, element_weights(op.name, scores.shape(), weighting(o)).weight, is_sign<T>, sign_rule);
  return pointwise<T>(
      op, "scores", [=](auto s, auto t) { return f(relu(o.margin - t * s)); }, is_sign<T>, sign_rule, weighting(o),
      std::move(scores), constant(std::move(targets)));
}
}  // namespace

template <class T> Variable<T> hinge(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Hinge<T> o) {
  return hinge(
      hinge_op, [](auto h) { return h; }, std::move(scores), std::move(targets), o);
}

template <class T>
Variable<T> squared_hinge(Variable<T> scores, std::type_identity_t<Variable<T>> targets, Hinge<T> o) {
  return hinge(
      squared_hinge_op, [](auto h) { return square(h); }, std::move(scores), std::move(targets), o);
}

#define WENGERT_INSTANTIATE(T)                                                                         \
  template Variable<T> bce_with_logits(Variable<T>, std::type_identity_t<Variable<T>>, Bce<T>);        \
  template Variable<T> sigmoid_focal(Variable<T>, std::type_identity_t<Variable<T>>, SigmoidFocal<T>); \
  template Variable<T> hinge(Variable<T>, std::type_identity_t<Variable<T>>, Hinge<T>);                \
  template Variable<T> squared_hinge(Variable<T>, std::type_identity_t<Variable<T>>, Hinge<T>);
WENGERT_INSTANTIATE(float)
WENGERT_INSTANTIATE(double)
#undef WENGERT_INSTANTIATE

std::vector<Declared> declared_binary_losses() {
  const Input probabilities{"targets", {0, 1}, Draw::constant}, signs{"targets", {-1, 1}, Draw::sign};
  std::vector<Input> bce = and_weights({{"scores", {-3, 3}}, probabilities});
  bce.push_back({"pos_weight", {0.5, 2}, Draw::constant, true});
  std::vector<std::string> bce_samples = elementwise_samples("scores"), focal_samples = bce_samples;
  bce_samples.push_back("scores=[3,4] targets=[3,4] pos_weight=[4]");
  bce_samples.push_back("scores=[3,4] targets=[3,4] pos_weight=[4] row_weights=[3,1] mask=[3,4] reduction=none");
  focal_samples.push_back("scores=[3,4] targets=[3,4] gamma=0.5 alpha=-1");
  focal_samples.push_back("scores=[3,4] targets=[3,4] gamma=0 alpha=0.6");
  focal_samples.push_back("scores=[3,4] targets=[3,4] gamma=5");
  const auto hinged = [&](const Op& op, auto f) {
    const std::vector<Input> inputs = and_weights({{"scores"}, signs});
    return declare(op, inputs, and_reduction({{"margin", "number", "1"}}), elementwise_samples("scores"),
                   [f](const auto& a) {
                     const auto w = weighting_of(a);
                     return f(a["scores"], a["targets"], Hinge{w.reduction, w.row_weights, w.mask, a.number("margin")});
                   })
        .kinks({-1, 1});
  };
  return {
      declare(
          bce_op, bce, and_reduction({}), bce_samples,
          [](const auto& a) {
            const auto w = weighting_of(a);
            return bce_with_logits(a["scores"], a["targets"], {w.reduction, w.row_weights, w.mask, a["pos_weight"]});
          }),
      declare(focal_op, and_weights({{"scores", {-3, 3}}, probabilities}),
              and_reduction({{"gamma", "number", "2"}, {"alpha", "number", "0.25", "below 0 for none"}}), focal_samples,
              [](const auto& a) {
                const auto w = weighting_of(a);
                return sigmoid_focal(a["scores"], a["targets"],
                                     {w.reduction, w.row_weights, w.mask, a.number("gamma"), a.number("alpha")});
              }),
      hinged(hinge_op, [](auto s, auto t, auto o) { return hinge(s, t, o); }),
      hinged(squared_hinge_op, [](auto s, auto t, auto o) { return squared_hinge(s, t, o); })};
}

}  // namespace wengert::losses
