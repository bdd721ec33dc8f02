#include "autodiff/sample.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <sstream>

#include "autodiff/ops/shape.hpp"

namespace wengert {
namespace {

using Random = std::mt19937_64;

/// [0, 1)
double uniform(Random& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }
double uniform(const Domain& d, Random& random) { return d.low + (d.high - d.low) * uniform(random); }

bool near(double x, const std::vector<double>& kinks) {
  constexpr double gap = 0.1;
  return std::any_of(kinks.begin(), kinks.end(), [&](double k) { return std::abs(x - k) < gap; });
}

Array<double> numbers(const Input& input, const Shape& shape, const std::vector<double>& kinks, Random& random) {
  Array<double> x(shape);
  for (double& v : x.storage()) do
      v = uniform(input.domain, random);
    while (near(v, kinks));
  return x;
}

/// Where the inputs that are drawn as distinct are on a common grid: each has a place of its own in its parts.
struct Grid {
  std::size_t parts = 0;
  double inputs = 0, input = 0;
};

/// One point in each of as many equal parts of the domain, those near a kink left out, in random order.
Array<double> distinct(const Input& input, const Shape& shape, const std::vector<double>& kinks, const Grid& common,
                       Random& random) {
  Array<double> x(shape);
  const std::size_t n = x.size();
  std::vector<double> grid;
  for (std::size_t parts = std::max(n, common.parts); grid.size() < n; ++parts) {
    grid.clear();
    for (std::size_t i = 0; i < parts; ++i) {
      const double place = static_cast<double>(i) + (common.input + 0.5) / common.inputs;
      const double v = input.domain.low + (input.domain.high - input.domain.low) * place / static_cast<double>(parts);
      if (!near(v, kinks)) grid.push_back(v);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::swap(grid[i], grid[i + random() % (grid.size() - i)]);
    x.storage()[i] = grid[i];
  }
  return x;
}

/// For every matrix of shape [...,n,n]: f(pointer to it, n).
template <class F> void each_matrix(const Input& input, Array<double>& x, F f) {
  const Shape& s = x.shape();
  if (s.size() < 2 || s[s.size() - 1] != s[s.size() - 2])
    throw ValueError(std::string("sample: ") + input.name + " " + to_string(s) + " is not made of square matrices");
  const std::size_t n = s.back();
  for (std::size_t at = 0; at < x.size(); at += n * n) f(x.storage().data() + at, n);
}

// Each row's other entries sum up to less than 0.9 of the diagonal: the determinant is positive.
Array<double> regular(const Input& input, const Shape& shape, Random& random) {
  Array<double> x = numbers({input.name, {-1, 1}}, shape, {}, random);
  each_matrix(input, x, [](double* a, std::size_t n) {
    for (std::size_t i = 0; i < n * n; ++i) a[i] = a[i] * 0.9 / static_cast<double>(n) + (i % (n + 1) == 0);
  });
  return x;
}

Array<double> positive_definite(const Input& input, const Shape& shape, Random& random) {
  Array<double> x = numbers({input.name, {-1, 1}}, shape, {}, random);
  each_matrix(input, x, [](double* a, std::size_t n) {
    const std::vector<double> r(a, a + n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        a[i * n + j] = std::inner_product(&r[i * n], &r[i * n] + n, &r[j * n], i == j ? 0.5 : 0.);
  });
  return x;
}

Array<double> real(const Input& input, const Shape& shape, const std::vector<double>& kinks, Grid& grid,
                   Random& random) {
  switch (input.draw) {
    case Draw::distinct: {
      Array<double> x = distinct(input, shape, kinks, grid, random);
      ++grid.input;
      return x;
    }
    case Draw::regular: return regular(input, shape, random);
    case Draw::positive_definite: return positive_definite(input, shape, random);
    case Draw::mask:
    case Draw::sign: {
      Array<double> x(shape);
      for (double& v : x.storage()) v = random() % 2 ? 1 : input.draw == Draw::mask ? 0 : -1;
      return x;
    }
    default: return numbers(input, shape, kinks, random);
  }
}

Labels indices(const Input& input, const Shape& shape, Random& random) {
  Labels x(shape);
  const auto low = static_cast<std::int64_t>(input.domain.low), high = static_cast<std::int64_t>(input.domain.high);
  for (auto& v : x.storage())
    v = low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  return x;
}

/// "[5,3]"
Shape shape_of(const std::string& call, const std::string& text) {
  Shape shape;
  std::istringstream in(text.substr(1, text.size() - 2));
  std::size_t extent;
  char comma;
  while (in >> extent) {
    shape.push_back(extent);
    in >> comma;
  }
  if (text.back() != ']' || to_string(shape) != text)
    throw ValueError("sample: " + text + " in \"" + call + "\" is not a shape");
  return shape;
}

}  // namespace

std::vector<std::string> variants(const Declared& d) {
  using Extents = std::vector<std::string>;
  const auto without_axes = [](Extents) { return Extents{}; };
  const auto without_first = [](Extents e) { return Extents(e.begin() + !e.empty(), e.end()); };
  const auto first = [](const char* extent) {
    return [extent](Extents e) {
      if (!e.empty()) e.front() = extent;
      return e;
    };
  };
  const auto last_0 = [](Extents e) {
    if (!e.empty()) e.back() = "0";
    return e;
  };
  std::vector<std::string> all;
  for (const std::string& sample : d.samples) {
    std::vector<std::string> words;
    std::istringstream in(sample);
    for (std::string word; in >> word;) words.push_back(word);
    const auto is_shape = [&](std::size_t i) { return words[i].find("=[") != std::string::npos; };
    /// The sample with the shapes of the words from..to changed.
    const auto add = [&](const std::function<Extents(Extents)>& change, std::size_t from, std::size_t to) {
      std::string text;
      for (std::size_t i = 0; i < words.size(); ++i) {
        std::string word = words[i];
        if (i >= from && i < to && is_shape(i)) {
          const std::size_t open = word.find('[');
          Extents extents;
          std::istringstream numbers(word.substr(open + 1, word.size() - open - 2));
          for (std::string extent; std::getline(numbers, extent, ',');) extents.push_back(extent);
          word.resize(open + 1);
          for (const std::string& extent : change(extents)) word += (word.back() == '[' ? "" : ",") + extent;
          word += "]";
        }
        text += (text.empty() ? "" : " ") + word;
      }
      const auto known = [&](const std::vector<std::string>& list) {
        return std::find(list.begin(), list.end(), text) != list.end();
      };
      if (!known(d.samples) && !known(all)) all.push_back(text);
    };
    add(without_axes, 0, words.size());
    add(first("0"), 0, words.size());
    add(last_0, 0, words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      add(first("1"), i, i + 1);
      add(without_first, i, i + 1);
      add(without_axes, i, i + 1);
    }
  }
  return all;
}

template <class T> Function<T> function_of(const Declared& d, Arguments<T> fixed, std::vector<std::string> names) {
  return [&d, fixed = std::move(fixed), names = std::move(names)](const std::vector<Variable<T>>& x) {
    Arguments<T> arguments = fixed;
    for (std::size_t i = 0; i < names.size(); ++i) arguments.set(names[i], x.at(i));
    std::vector<Variable<T>> y = d.call<T>()(arguments);
    if (y.size() == 1) return y[0];
    for (Variable<T>& part : y) part = reshape(std::move(part), {-1});
    return concat(y);
  };
}

template Function<float> function_of(const Declared&, Arguments<float>, std::vector<std::string>);
template Function<double> function_of(const Declared&, Arguments<double>, std::vector<std::string>);

Sample draw(const Declared& d, const std::string& text, std::uint64_t seed, bool rounded) {
  Sample s{d.op->name + std::string(" ") + text, {}, {}, {}, {}, Arguments<double>(d)};
  Random random(seed);
  Arguments<float> f32(d);
  Arguments<double> f64(d);
  std::vector<std::string> given;
  Grid grid;
  for (const Input& input : d.inputs) grid.inputs += input.draw == Draw::distinct;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) throw ValueError("sample: " + word + " in \"" + s.call + "\" is not NAME=VALUE");
    const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
    const auto input = std::find_if(d.inputs.begin(), d.inputs.end(), [&](const Input& i) { return name == i.name; });
    if (input == d.inputs.end()) {
      f32.set_attribute(name, value);
      f64.set_attribute(name, value);
      continue;
    }
    given.push_back(name);
    const Shape shape = shape_of(s.call, value);
    if (input->draw == Draw::index) {
      const Labels index = indices(*input, shape, random);
      f32.set(name, index);
      f64.set(name, index);
      continue;
    }
    if (grid.inputs > 1) grid.parts = 8;  // for all of them, where they are no larger
    Array<double> x = real(*input, shape, d.kinks_at, grid, random);
    if (rounded) x = xt::cast<float>(x);
    if (input->differentiable()) {
      s.names.push_back(name);
      s.inputs.push_back(std::move(x));
    } else {
      f32.set(name, Variable<float>(xt::cast<float>(x)));
      f64.set(name, Variable<double>(x));
    }
  }
  for (const Input& input : d.inputs)
    if (!input.optional && std::find(given.begin(), given.end(), input.name) == given.end())
      throw ValueError("sample: \"" + s.call + "\" does not give " + input.name);
  s.f32 = function_of<float>(d, std::move(f32), s.names);
  s.f64 = function_of<double>(d, f64, s.names);
  s.arguments = std::move(f64);
  return s;
}

}  // namespace wengert
