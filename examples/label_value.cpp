// Lesson: real-number labels, and what becomes of a gradient that forgets their value.
//
// A row has the labels t, M of them not 0, and w_k = t_k/M. As derived in losses/softmax_ce.hpp,
//
//   l = sum_k w_k (lse(s) - s_k),     dl/ds_k = W p_k - w_k,     p = softmax(s),  W = sum_k w_k
//
// A layer that is widely read computes this loss, but p_k - 1/M, or p_k where the label is 0, for its gradient: the value of
// the label is in the forward pass and not in the backward. Here both stand side by side, and finite differences decide.
#include <cstdio>

#include "autodiff/autodiff.hpp"
#include "autodiff/custom.hpp"
#include "autodiff/gradcheck.hpp"
#include "losses/softmax_ce.hpp"

using namespace wengert;
using V = Variable<double>;
using A = Array<double>;

int main() {
  const A s{{0.5, -1, 2, 0}}, t{{2, 0, 0.5, 0}};
  const double positives = 2;
  const A w = t / positives, is_positive{{1, 0, 1, 0}};
  const auto loss = [&](const V& scores) {
    return losses::softmax_ce(scores, w, {.reduction = losses::Reduction::sum});
  };

  const V x = parameter(s);
  Tape tape;
  const auto [g] = tape.gradient(loss(x), {x});
  const A p = softmax(V(s)).value();

  std::puts("class  label t  w = t/M  p = softmax(s)  W p - w  without the value of t");
  for (std::size_t k = 0; k < 4; ++k)
    std::printf("%5zu  %7.1f  %7.2f  %14.4f  %7.4f  %22.4f\n", k, t(0, k), w(0, k), p(0, k), g.value()(0, k),
                p(0, k) - is_positive(0, k) / positives);

  const CustomOp forgetful(
      "forgetful_softmax_ce", "l = sum_k w_k (lse(s) - s_k)", {{"s"}, {"w", {0, 2}, Draw::constant}}, {},
      [](const auto& in) {
        const V scores = in[0];
        return losses::softmax_ce(scores, in[1], {.reduction = losses::Reduction::sum}).value();
      },
      [&](const V& upstream, const std::vector<V>& in, const V&) {
        return std::vector{upstream * (softmax(in[0]) - V(is_positive / positives)), V()};
      });
  std::puts("\nHeld against finite differences, with a random upstream gradient:\n");
  const auto check = [&](const char* name, const Function<double>& f) {
    const GradcheckReport report = gradcheck(name, f, {s});
    std::printf("%-22s %-6s %zu of %zu entries wrong; %s: analytic %.6f, numeric %.6f\n", name,
                to_string(report.verdict), report.wrong, report.comparisons.size(), report.worst.where.c_str(),
                report.worst.analytic, report.worst.numeric);
  };
  check("W p - w", [&](const auto& in) { return loss(in[0]); });
  check("without the value of t", [&](const auto& in) { return forgetful(in[0], V(w)); });

  std::puts("\nWith labels 1 both are the same: the mistake shows only with others.");
}
