#include "autodiff/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

#include "autodiff/kernels/kernels.hpp"
#include "autodiff/ops/result.hpp"

namespace wengert {
namespace {

template <class T>
LossAndGradients<T> one_part(const Variable<T>& y, const std::vector<Variable<T>>& parameters, Tape& tape) {
  if (y.size() != 1)
    throw ShapeError("parallel_gradient: the loss of a part is " + to_string(y.shape()) + "; it must be one number");
  LossAndGradients<T> result{y.detach(), {}};
  if (tape.node_of(y)) {
    result.gradients = tape.gradient(y, parameters);
  } else {  // a constant
    for (const Variable<T>& p : parameters) result.gradients.push_back(Array<T>(p.shape(), T(0)));
  }
  return result;
}

/// a += b, in a's memory where nobody else holds it.
template <class T> void add(Variable<T>& a, const Variable<T>& b) {
  if (!is_free(a)) {
    Variable<T> own = make_result<T>(a.shape());
    std::copy_n(a.data(), a.size(), out(own));
    a = std::move(own);
  }
  kernels::of<T>().scale(b.data(), T(1), out(a), static_cast<kernels::Index>(a.size()), true);
}

}  // namespace

template <class T>
LossAndGradients<T> parallel_gradient(std::size_t parts, std::size_t threads,
                                      const std::function<Variable<T>(std::size_t)>& loss,
                                      const std::vector<Variable<T>>& parameters) {
  if (parts == 0 || threads == 0)
    throw ValueError("parallel_gradient: " + std::to_string(parts) + " parts in " + std::to_string(threads) +
                     " threads; there must be at least one of each");
  std::vector<LossAndGradients<T>> results(parts);
  std::vector<std::exception_ptr> errors(parts);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t part; (part = next++) < parts;) try {
        Tape tape;
        results[part] = one_part(loss(part), parameters, tape);
      } catch (...) { errors[part] = std::current_exception(); }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < std::min(threads, parts); ++t) others.emplace_back(work);
    work();
  }
  for (const std::exception_ptr& e : errors)
    if (e) std::rethrow_exception(e);
  for (std::size_t step = 1; step < parts; step *= 2)
    for (std::size_t i = 0; i + step < parts; i += 2 * step) {
      add(results[i].loss, results[i + step].loss);
      for (std::size_t k = 0; k < parameters.size(); ++k) add(results[i].gradients[k], results[i + step].gradients[k]);
    }
  return std::move(results[0]);
}

template LossAndGradients<float> parallel_gradient(std::size_t, std::size_t,
                                                   const std::function<Variable<float>(std::size_t)>&,
                                                   const std::vector<Variable<float>>&);
template LossAndGradients<double> parallel_gradient(std::size_t, std::size_t,
                                                    const std::function<Variable<double>(std::size_t)>&,
                                                    const std::vector<Variable<double>>&);

}  // namespace wengert
