#include "autodiff/gradcheck.hpp"

#include <cmath>
#include <ostream>
#include <sstream>

#include "autodiff/checker/check.hpp"
#include "autodiff/checker/rounding.hpp"
#include "autodiff/ops/reduce.hpp"
#include "autodiff/tape.hpp"

namespace wengert {

GradcheckReport gradcheck(const std::string& op, const Function<double>& f, const std::vector<Array<double>>& inputs,
                          const Gradcheck& options) {
  std::vector<std::string> names = options.names;
  for (std::size_t k = names.size(); k < inputs.size(); ++k)
    names.push_back(inputs.size() == 1 ? "x" : "x" + std::to_string(k));
  return check<double>({.name = op, .f64 = f, .inputs = inputs, .names = names, .options = options});
}

double probability_to_miss(const GradcheckReport& report, double length) {
  double p = 1;
  for (const Comparison& c : report.comparisons) p *= std::erf(c.bound / (length * std::sqrt(2)));
  return p;
}

const char* to_string(Verdict verdict) {
  constexpr const char* names[] = {"right", "wrong", "inconclusive", "kink", "unstable"};
  return names[static_cast<int>(verdict)];
}

std::string to_string(const GradcheckReport& r) {
  const std::size_t n = r.comparisons.size();
  const std::string all = std::to_string(n) + (n == 1 ? " comparison" : " comparisons");
  std::ostringstream text;
  text.precision(10);
  text << r.op << ": ";
  if (!r.note.empty()) {
    text << (r.verdict == Verdict::wrong ? "WRONG" : std::string(to_string(r.verdict))) << ", " << r.note;
    return text.str();
  }
  if (n == 0) return r.op + ": right, nothing to compare";
  switch (r.verdict) {
    case Verdict::wrong: text << "WRONG, " << r.wrong << " of " << all << ", worst "; break;
    case Verdict::inconclusive: text << "inconclusive, " << r.inconclusive << " of " << all << ", widest "; break;
    case Verdict::kink: text << "at a kink, " << r.kinks << " of " << all << ", between both slopes "; break;
    default: text << "right, " << all << ", closest to its bound "; break;
  }
  const Comparison& w = r.worst;
  text << w.where << ": analytic " << w.analytic << ", numeric " << w.numeric;
  if (!std::isnan(w.exact)) text << ", exact " << w.exact;
  text.precision(2);
  if (!std::isnan(w.exact)) text << " (" << w.ulp << " ulp)";
  text << ", off by " << std::abs(w.analytic - w.numeric) << ", bound " << w.bound;
  if (r.visible > 0) text << "; an error as long as " << r.visible << " stays unseen with probability " << r.missed;
  if (!r.suspicion.empty()) text << "\n  " << r.suspicion;
  return text.str();
}

std::ostream& operator<<(std::ostream& os, const GradcheckReport& report) { return os << to_string(report); }

template <class T> Function<T> weighted_gradient_of(Function<T> f, std::uint64_t seed, std::uint64_t move) {
  return [f = std::move(f), seed, move](const std::vector<Variable<T>>& xs) {
    const auto weights = [&](const Variable<T>& of, std::uint64_t nr) {
      return moved(random_weights<T>(of.shape(), seed + nr), move ? move + nr : 0);
    };
    const auto joined = [&](Tape& tape, const std::vector<Variable<T>>& at, bool record) {
      const Variable<T> y = f(at);
      const auto gradients = tape.gradient(y, at, {.upstream = weights(y, 0), .create_graph = record});
      Variable<T> sum_of_all = 0;
      for (std::size_t k = 0; k < gradients.size(); ++k)
        sum_of_all += sum(gradients[k] * Variable<T>(weights(gradients[k], k + 1)));
      for (const auto& x : at) sum_of_all += 0 * sum(x);  // the gradient of a linear f does not depend on x
      return sum_of_all;
    };
    if (Tape* const tape = Tape::current()) return joined(*tape, xs, true);
    std::vector<Variable<T>> own;
    for (const auto& x : xs) own.push_back(parameter(x.value()));
    Tape tape;
    return joined(tape, own, false);
  };
}
template Function<float> weighted_gradient_of(Function<float>, std::uint64_t, std::uint64_t);
template Function<double> weighted_gradient_of(Function<double>, std::uint64_t, std::uint64_t);

template <class T> Function<T> gradient_of(std::type_identity_t<Function<T>> f, std::uint64_t seed) {
  return weighted_gradient_of<T>(std::move(f), seed, 0);
}
template Function<float> gradient_of<float>(Function<float>, std::uint64_t);
template Function<double> gradient_of<double>(Function<double>, std::uint64_t);

}  // namespace wengert
