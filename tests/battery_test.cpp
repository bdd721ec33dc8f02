// The checker is checked: mistakes planted into the rules of the library's own ops are caught and rightly named, and
// correct functions raise no alarm.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>

#include "autodiff/autodiff.hpp"
#include "autodiff/gradient.hpp"
#include "autodiff/op_check.hpp"
#include "autodiff/sample.hpp"
#include "losses/losses.hpp"
#include "tests/random.hpp"

using namespace wengert;

namespace {

using V = Variable<double>;
using Inputs = std::vector<V>;

std::vector<Declared> all_declared() {
  std::vector<Declared> all = declared_ops();
  for (Declared& loss : losses::declared_losses()) all.push_back(std::move(loss));
  return all;
}

/// What a wrong rule may look at.
struct Call {
  const Declared& op;
  const Arguments<double>& a;
  std::vector<std::string> names;  // of the differentiable inputs
  V g, y;

  const V& operator[](const char* input) const { return a[input]; }
  /// The right gradients.
  Inputs right() const { return right(g); }
  Inputs right(const V& upstream) const { return right(a, upstream); }
  Inputs right(Arguments<double> at, const V& upstream) const {
    Inputs x;
    for (const std::string& name : names) {
      x.push_back(parameter(a[name.c_str()].value()));
      at.set(name, x.back());
    }
    Tape tape;
    return tape.gradient(op.f64(at)[0], x, {.upstream = upstream});
  }
  /// Those of the op with another attribute.
  Inputs right_with(const char* attribute, const char* text) const {
    Arguments<double> at = a;
    at.set_attribute(attribute, text);
    return right(at, g);
  }
  /// Those of the op with other numbers in a constant.
  Inputs right_with(const char* input, V value) const {
    Arguments<double> at = a;
    at.set(input, std::move(value));
    return right(at, g);
  }
};

struct Mistake {
  const char* op;
  const char* sample;
  Inputs (*rule)(const Call& c);
  const char* says;  // a part of what the diagnosis must say
};

constexpr Op planted{"planted", "y = f(x), with a wrong rule"};

/// The op as it is declared, but with that rule.
Declared with_rule(const Declared& d, const Mistake& m) {
  Declared wrong = d;
  wrong.samples = {m.sample};
  wrong.f64 = [&d, rule = m.rule](const Arguments<double>& a) {
    V y;
    {
      const NoGrad computed_only;
      y = d.f64(a)[0].detach();
    }
    if (!Tape::current()) return Inputs{y};
    std::vector<std::string> names;
    std::vector<Edge<double>> edges;
    for (const Input& input : d.inputs)
      if (input.differentiable() && a.has(input.name))
        names.push_back(input.name), edges.push_back(edge(a[input.name]));
    V result = V::adopt(Block<double>::make(y.shape()));
    result.block()->value = y.value();
    record(planted, result, [&d, a, names, edges, rule, y](Upstream<double>& g) {
      const Inputs terms = rule({d, a, names, *g, y});
      for (std::size_t i = 0; i < terms.size(); ++i) g.add(edges[i], terms[i]);
    });
    return Inputs{result};
  };
  return wrong;
}

/// x[start[0]:stop[0], start[1]:stop[1]]
V part(const V& x, std::array<std::ptrdiff_t, 2> start, std::array<std::ptrdiff_t, 2> stop) {
  return slice(x, {Slice{start[0], stop[0]}, Slice{start[1], stop[1]}});
}
/// 1 at the class of each row, else 0.
V one_hot(const Call& c) {
  Array<double> t(c["scores"].shape(), 0.);
  const Labels& labels = c.a.indices("labels");
  for (std::size_t i = 0; i < labels.size(); ++i) t(i, static_cast<std::size_t>(labels(i))) = 1;
  return t;
}
/// Every row of g is written to the row that it was taken from, and none is added to another.
V written(const Call& c) {
  Array<double> gx(c["x"].shape(), 0.);
  if (gx.dimension() != 2) throw ShapeError("planted for matrices");
  const Labels& index = c.a.indices("index");
  for (std::size_t i = 0; i < index.size(); ++i)
    for (std::size_t j = 0; j < gx.shape()[1]; ++j) gx(static_cast<std::size_t>(index(i)), j) = c.g.value()(i, j);
  return gx;
}
/// x with the i-th gradient in place of it.
Inputs but(Inputs right, std::size_t i, V wrong) {
  right[i] = std::move(wrong);
  return right;
}
V softmax_of(const Call& c) { return softmax(c["scores"], 1); }

// clang-format off
const Mistake mistakes[] = {
    // the sign
    {"tanh", "x=[3,7]", [](const Call& c) { return Inputs{c.g * (square(c.y) - 1)}; }, "all derivatives have the wrong sign"},
    {"cos", "x=[3,7]", [](const Call& c) { return Inputs{c.g * sin(c["x"])}; }, "all derivatives have the wrong sign"},
    {"sub", "a=[3,5] b=[3,5]", [](const Call& c) { return Inputs{c.g, c.g}; }, "the derivatives of b have the wrong sign"},
    {"div", "a=[3,5] b=[5]", [](const Call& c) { return but(c.right(), 1, -c.right()[1]); }, "the derivatives of b have the wrong sign"},
    {"inv", "a=[3,3]", [](const Call& c) { return Inputs{-c.right()[0]}; }, "all derivatives have the wrong sign"},
    {"abs", "x=[3,7]", [](const Call& c) { return Inputs{c.g}; }, "have the wrong sign, only where x is negative"},
    // a factor
    {"exp", "x=[3,7]", [](const Call& c) { return Inputs{1.0001 * c.g * c.y}; }, "all derivatives are 1.0001 times what they should be"},
    {"square", "x=[3,7]", [](const Call& c) { return Inputs{c.g * c["x"]}; }, "1/2 of what they should be"},
    {"sqrt", "x=[3,7]", [](const Call& c) { return Inputs{c.g / c.y}; }, "2 times too large"},
    {"mean", "x=[3,4] axes=0", [](const Call& c) { return Inputs{broadcast_to(c.g, {3, 4})}; }, "3 times too large: a missing 1/N? N = 3"},
    {"avg_pool2d", "x=[2,2,4,6] kernel=2", [](const Call& c) { return Inputs{4 * c.right()[0]}; }, "4 times too large: a missing 1/N? N = 4"},
    {"dropout", "x=[3,7]", [](const Call& c) { return Inputs{0.5 * c.right()[0]}; }, "1/2 of what they should be"},
    {"linear", "x=[5,3] weight=[2,3] bias=[2]", [](const Call& c) { return but(c.right(), 2, mean(c.g, 0)); }, "the derivatives of bias are 1/5 of what they should be"},
    {"scaled_dot_product_attention", "q=[3,4] k=[5,4] v=[5,2]", [](const Call& c) { return but(c.right(), 1, 2 * c.right()[1]); }, "the derivatives of k are 2 times too large"},
    {"softmax_ce", "scores=[3,4] labels=[3]", [](const Call& c) { return Inputs{3 * c.right()[0]}; }, "3 times too large: a missing 1/N? N = 3"},
    {"conv1d", "x=[2,2,7] weight=[3,2,3] bias=[3]", [](const Call& c) { return but(c.right(), 0, -2 * c.right()[0]); }, "2 times too large and have the wrong sign"},
    // one class, one axis, some entries only
    {"softmax_ce", "scores=[3,4] labels=[3]", [](const Call& c) { return Inputs{c.right()[0] * V(Array<double>{1, 1, -1, 1})}; }, "have the wrong sign, only at index 2 of axis 1"},
    {"softmax", "x=[3,4]", [](const Call& c) { return Inputs{c.right()[0] * reshape(V(Array<double>{1, 0, 1}), {3, 1})}; }, "are 0, only at index 1 of axis 0"},
    {"softmax_ce", "scores=[5,4] labels=[5] reduction=sum", [](const Call& c) { return Inputs{c.g * softmax_of(c)}; }, "only at the class of labels"},
    {"softmax_ce", "scores=[5,4] labels=[5] reduction=sum", [](const Call& c) { return Inputs{c.right()[0] * one_hot(c)}; }, "are 0, only at"},
    {"relu", "x=[3,7]", [](const Call& c) { return Inputs{c.g}; }, "only where they should be 0"},
    {"leaky_relu", "x=[3,7] negative_slope=0.25", [](const Call& c) { return Inputs{c.g}; }, "4 times too large: a missing 1/N? N = 4, only where x is negative"},
    {"where", "mask=[3,5] a=[3,5] b=[3,5]", [](const Call& c) { return but(c.right(), 0, c.g); }, "mask is ignored"},
    {"index_select", "x=[4,3] index=[6]", [](const Call& c) { return Inputs{written(c)}; }, "only where index picks more than once"},
    // the upstream
    {"log", "x=[3,7]", [](const Call& c) { return Inputs{1 / c["x"]}; }, "do not depend on the upstream"},
    {"sum", "x=[3,4] axes=0", [](const Call&) { return Inputs{V(Array<double>(Shape{3, 4}, 1.))}; }, "do not depend on the upstream"},
    {"matmul", "a=[2,3] b=[3,4]", [](const Call& c) { return but(c.right(), 0, c.right(V(Array<double>(c.g.shape(), 1.)))[0]); }, "the derivatives of a do not depend on the upstream"},
    {"softmax_ce", "scores=[3,4] labels=[3] reduction=none", [](const Call& c) { return c.right(V(Array<double>(c.g.shape(), 1.))); }, "do not depend on the upstream"},
    {"sigmoid", "x=[3,7]", [](const Call& c) { return Inputs{c.g * c.right()[0]}; }, "are not linear in the upstream"},
    // broadcast
    {"add", "a=[3,5] b=[5]", [](const Call& c) { return Inputs{c.g, c.g}; }, "the gradient of b is [3,5], but b is [5]: a broadcast was not summed back?"},
    {"add", "a=[3,5] b=[5]", [](const Call& c) { return Inputs{c.g, reshape(part(c.g, {0, 0}, {1, 5}), {5})}; }, "a broadcast was not summed back"},
    {"mul", "a=[3,1] b=[3,5]", [](const Call& c) { return but(c.right(), 0, part(c.g * c["b"], {0, 4}, {3, 5})); }, "a broadcast was not summed back"},
    {"add", "a=[3,5] b=[]", [](const Call& c) { return Inputs{c.g, reshape(part(c.g, {0, 0}, {1, 1}), Extents(Shape{}))}; }, "a broadcast was not summed back"},
    {"linear", "x=[5,3] weight=[2,3] bias=[2]", [](const Call& c) { return but(c.right(), 2, reshape(part(c.g, {0, 0}, {1, 2}), {2})); }, "the derivatives of bias are what index 0 of axis 0"},
    {"batch_norm", "x=[4,3] weight=[3] bias=[3] training=true", [](const Call& c) { return but(c.right(), 2, reshape(part(c.g, {0, 0}, {1, 3}), {3})); }, "a broadcast was not summed back"},
    // what is not differentiated is ignored
    {"softmax_ce", "scores=[3,4] targets=[3,4] reduction=sum", [](const Call& c) { const V& t = c["targets"]; return Inputs{c.g * (sum(t, 1, true) * softmax_of(c) - (t > 0))}; }, "the value of targets is ignored"},
    {"softmax_ce", "scores=[3,4] targets=[3,4] reduction=sum", [](const Call& c) { return c.right_with("targets", c["targets"] > 0); }, "the value of targets is ignored"},
    {"softmax_ce", "scores=[5,4] labels=[5] weights=[4]", [](const Call& c) { return c.right_with("weights", V(Array<double>(Shape{4}, 1.))); }, "weights is ignored"},
    {"softmax_ce", "scores=[5,4] labels=[5] mask=[5]", [](const Call& c) { return c.right_with("mask", V(Array<double>(Shape{5}, 1.))); }, "mask is ignored"},
    {"softmax_ce", "scores=[5,4] labels=[5] label_smoothing=0.1", [](const Call& c) { return c.right_with("label_smoothing", "0"); }, "label_smoothing=0.1 is ignored"},
    {"softmax_ce", "scores=[5,4] labels=[5] soft_cap=3", [](const Call& c) { return c.right_with("soft_cap", "0"); }, "soft_cap=3 is ignored"},
    {"softplus", "x=[5] beta=3", [](const Call& c) { return Inputs{c.g * sigmoid(c["x"])}; }, "beta=3 is ignored"},
    {"elu", "x=[3,7] alpha=0.3", [](const Call& c) { return c.right_with("alpha", "1"); }, "alpha=0.3 is ignored"},
    {"gelu", "x=[3,7] approximate=tanh", [](const Call& c) { return c.right_with("approximate", "none"); }, "approximate=tanh is ignored"},
    {"var", "x=[3,4] axes=0 ddof=1", [](const Call& c) { return c.right_with("ddof", "0"); }, "ddof=1 is ignored"},
    // operands and order
    {"mul", "a=[3,5] b=[3,5]", [](const Call& c) { return Inputs{c.g * c["a"], c.g * c["b"]}; }, "the derivatives of a are those of b: the wrong operand"},
    {"maximum", "a=[2,3] b=[2,3]", [](const Call& c) { const Inputs r = c.right(); return Inputs{r[1], r[0]}; }, "the wrong operand"},
    {"matmul", "a=[3,3] b=[3,3]", [](const Call& c) { return but(c.right(), 0, matmul(c.g, c["b"])); }, "the gradient is that of transpose_b=true"},
    {"logdet", "a=[3,3]", [](const Call& c) { return Inputs{c.g * inv(c["a"])}; }, "all derivatives are transposed"},
    {"matmul", "a=[2,3] b=[3,4]", [](const Call& c) { return but(c.right(), 1, reshape(transpose(c.right()[1]), {3, 4})); }, "the derivatives of b are transposed"},
    {"flip", "x=[3,4] axes=1", [](const Call& c) { return Inputs{c.g}; }, "backwards along axis 1"},
    {"cumsum", "x=[2,5] axis=1", [](const Call& c) { return Inputs{cumsum(flip(c.g, {1}), 1)}; }, "backwards along axis 1"},
    {"pad", "x=[2,4] before=1,1 after=1,1", [](const Call& c) { return Inputs{part(c.g, {1, 0}, {3, 4})}; }, "shifted by 1 along axis 1"},
    // a missing term, none at all, no number
    {"expm1", "x=[3,7]", [](const Call& c) { return Inputs{c.g * c.y}; }, "off by a multiple of the upstream: a missing term"},
    {"softmax", "x=[3,4]", [](const Call& c) { return Inputs{c.g * c.y}; }, "off by a multiple of the result along axis 1: a term with a sum over it is missing"},
    {"layer_norm", "x=[3,5]", [](const Call& c) { return Inputs{c.right()[0] + mean(c.g, 1, true)}; }, "off by the same along axis 1: a term with a sum over it is missing"},
    {"rms_norm", "x=[3,5]", [](const Call& c) { return Inputs{c.right()[0] + c.y * mean(c.g * c.y, 1, true)}; }, "off by a multiple of the result along axis 1"},
    {"pow", "a=[3,5] b=[3,5]", [](const Call& c) { return but(c.right(), 1, 0 * c.g); }, "the derivatives of b are 0"},
    {"reciprocal", "x=[3,7]", [](const Call& c) { return Inputs{c.g * log(-c["x"])}; }, "not all numbers"},
};
// clang-format on

}  // namespace

TEST_CASE("every planted mistake is caught, and rightly named") {
  const auto all = all_declared();
  std::set<std::string> ops;
  std::size_t caught = 0, named = 0;
  for (const Mistake& m : mistakes) {
    const auto d =
        std::find_if(all.begin(), all.end(), [&](const Declared& op) { return op.op->name == std::string(m.op); });
    REQUIRE_MESSAGE(d != all.end(), m.op);
    const Declared wrong = with_rule(*d, m);
    CAPTURE(std::string(m.op));
    CAPTURE(std::string(m.says));
    for (const std::size_t directions : {0, 3}) {
      const OpReport report = check_op(wrong, {.directions = directions, .seed = 3, .variants = false});
      CHECK_MESSAGE(report.verdict == Verdict::wrong, report);
      const GradcheckReport& r = worst_sample(report);
      const bool says = (r.suspicion + r.note).find(m.says) != std::string::npos;
      CHECK_MESSAGE(says, report);
      caught += directions == 0 && report.verdict == Verdict::wrong;
      named += directions == 0 && says;
    }
    ops.insert(m.op);
  }
  MESSAGE("planted mistakes: " << caught << " of " << std::size(mistakes) << " caught, " << named
                               << " rightly named, over " << ops.size() << " ops");
}

namespace {

/// A random composition of smooth ops on x[0] [2,3], x[1] [3] and x[2] [3,3], the same for the same seed.
V compose(const Inputs& x, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  V y = x[0];
  for (int depth = 1 + static_cast<int>(random() % 5); depth > 0; --depth) switch (random() % 15) {
      case 0: y = tanh(y); break;
      case 1: y = sigmoid(y) * x[1]; break;
      case 2: y = exp(tanh(y)); break;
      case 3: y = log(square(y) + 0.5); break;
      case 4: y = y / (square(x[1]) + 1); break;
      case 5: y = softmax(y, static_cast<std::ptrdiff_t>(random() % 2)) + y; break;
      case 6: y = y - mean(y, 0, true); break;
      case 7: y = matmul(y, x[2]); break;
      case 8: y = logsumexp(y, 1, true) * x[1]; break;
      case 9: y = sqrt(square(y) + 1) - y; break;
      case 10: y = log_softmax(y + x[1]); break;
      case 11: y = gelu(y) - silu(y + x[1]); break;
      case 12: y = layer_norm(y + x[1], 1); break;
      case 13: y = cumsum(y, 0) * erf(x[1]); break;
      case 14: y = flip(transpose(matmul(x[2], transpose(y))), {1}) + sin(y); break;
    }
  return y;
}

}  // namespace

TEST_CASE("10,000 random correct cases raise no alarm") {
  std::size_t cases = 0, right = 0, alarms = 0;
  const auto note = [&](const GradcheckReport& report) {
    ++cases;
    right += bool(report);
    alarms += report.verdict == Verdict::wrong || report.verdict == Verdict::unstable;
    CHECK_MESSAGE(report.verdict != Verdict::wrong, report);
    CHECK_MESSAGE(report.verdict != Verdict::unstable, report);
  };
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<Array<double>> inputs = {test::uniform({2, 3}, {-2, 2}, random),
                                               test::uniform({3}, {-2, 2}, random),
                                               test::uniform({3, 3}, {-1, 1}, random)};
    note(gradcheck("composition " + std::to_string(seed), [seed](const Inputs& x) { return compose(x, seed); }, inputs,
                   {.directions = 2, .seed = seed}));
  }
  for (std::uint64_t seed = 100; cases < 10'000; seed += 100)
    for (const Declared& op : all_declared())
      for (const GradcheckReport& report : check_op(op, {.directions = 2, .seed = seed}).samples) note(report);
  MESSAGE("random correct cases: " << cases << ", false alarms: " << alarms << ", called right: " << right);
  CHECK(right >= cases * 99 / 100);
}
