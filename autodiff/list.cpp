#include "autodiff/list.hpp"

#include <algorithm>
#include <array>

namespace wengert::fused {
namespace {

constinit thread_local Writer* writing = nullptr;
constinit thread_local std::uint32_t writers = 0;

struct UnarySlope {
  unsigned uses;  // bit 0: x, bit 1: y
  Number (*write)(const Number& x, const Number& y, const double* numbers);
};

struct BinarySlope {
  unsigned uses;  // bit 0: a, bit 1: b, bit 2: y
  bool one;
  Number (*write)(const Number& a, const Number& b, const Number& y);
};

constexpr auto x0 = ops::Uses::argument(0), x1 = ops::Uses::argument(1), x2 = ops::Uses::argument(2);

template <class... O> constexpr auto unary_slopes(ops::List<O...>) {
  return std::array{UnarySlope{ops::slope_uses<O>, [](const Number& x, const Number& y, const double* numbers) {
                                 return ops::with_parameters<O>(
                                     numbers, [&](auto... p) -> Number { return O::slope(x, y, p...); });
                               }}...};
}

template <class... O> constexpr auto binary_slopes(ops::List<O...>) {
  using N = const Number&;
  return std::array{std::array{BinarySlope{O::slope_a(x0, x1, x2).arguments,
                                           O::slope_a(x0, x1, x2).arguments == 0 && O::slope_a(0., 0., 0.) == 1,
                                           [](N a, N b, N y) -> Number { return O::slope_a(a, b, y); }},
                               BinarySlope{O::slope_b(x0, x1, x2).arguments,
                                           O::slope_b(x0, x1, x2).arguments == 0 && O::slope_b(0., 0., 0.) == 1,
                                           [](N a, N b, N y) -> Number { return O::slope_b(a, b, y); }}}...};
}

constexpr auto unary_slope = unary_slopes(ops::Elementwise{});
constexpr auto binary_slope = binary_slopes(ops::Binary{});

}  // namespace

Writer::Writer(List l) : list(std::move(l)), before_(std::exchange(writing, this)), id_(++writers) {}

Writer::Writer(std::size_t inputs) : Writer(List()) {
  list.reserve(inputs + 14);
  for (std::size_t i = 0; i < inputs; ++i) list.push_back({Kind::input, static_cast<int>(i)});
}

Writer::~Writer() { writing = before_; }

int Writer::line(Reference r) const {
  if (r.line >= 0 && r.writer != id_)
    throw ValueError("map: the lambda uses a number of another map; pass what it stands for as an input");
  return r.line;
}

Reference write(Kind kind, int op, std::initializer_list<Reference> arguments, double p, double q) {
  if (!writing) throw ValueError("map: a Number is used outside of the lambda that it was given to");
  Line line{.kind = kind, .op = op, .numbers = {p, q}};
  std::transform(arguments.begin(), arguments.end(), line.arguments, [](Reference r) { return writing->line(r); });
  writing->list.push_back(line);
  return writing->at(static_cast<int>(writing->list.size()) - 1);
}

void prune(List& list, Scratch<int>& wanted) {
  constexpr int needed = 1;
  Scratch<int> number(list.size(), 0);
  for (const int line : wanted)
    if (line >= 0) number[line] = needed;
  for (std::size_t i = list.size(); i-- > 0;)
    if (number[i])
      for (const int a : list[i].arguments)
        if (a >= 0) number[a] = needed;
  int kept = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!number[i]) continue;
    Line line = list[i];
    for (int& a : line.arguments)
      if (a >= 0) a = number[a];
    list[kept] = line;
    number[i] = kept++;
  }
  list.resize(kept);
  for (int& line : wanted)
    if (line >= 0) line = number[line];
}

Scratch<int> differentiate(Writer& writer, int y, int g, const Scratch<char>& wanted, bool written_out) {
  const std::size_t size = static_cast<std::size_t>(y) + 1;
  Scratch<char> depends(size, false);  // on an input that is wanted
  for (std::size_t i = 0; i < size; ++i) {
    const Line& line = writer.list[i];
    if (line.kind == Kind::input) depends[i] = wanted[line.op];
    if (line.kind == Kind::unary || line.kind == Kind::binary || line.kind == Kind::select)
      for (const int a : line.arguments)
        if (a >= 0) depends[i] |= depends[a];
  }

  Scratch<Reference> gradient(size);  // of each line, as far as it has been added up
  gradient[y] = writer.at(g);
  const auto add = [&](int line, auto term) {
    if (!depends[line]) return;
    const Number t = term();
    gradient[line] = gradient[line].line < 0 ? t.reference : (Number(gradient[line]) + t).reference;
  };
  const auto at_if = [&](bool used, int line) { return used ? writer.at(line) : Reference(); };
  const auto number = [&](int line) { return Number(writer.at(line)); };

  for (int i = y; i >= 0; --i) {
    if (gradient[i].line < 0 || !depends[i]) continue;
    const Line line = writer.list[i];
    const Number gi(gradient[i]);
    const auto [a, b, c, _] = line.arguments;
    switch (line.kind) {
      case Kind::unary:
        add(a, [&] {
          const UnarySlope& slope = unary_slope[line.op];
          if (written_out) return gi * slope.write(number(a), number(i), line.numbers);
          return Number(write(Kind::unary_term, line.op,
                              {gi.reference, at_if(slope.uses & 1, a), at_if(slope.uses & 2, i)}, line.numbers[0],
                              line.numbers[1]));
        });
        break;
      case Kind::binary:
        for (const int k : {1, 0})
          add(line.arguments[k], [&] {
            const BinarySlope& slope = binary_slope[line.op][k];
            if (slope.one) return gi;
            if (written_out) return gi * slope.write(number(a), number(b), number(i));
            return Number(
                write(k ? Kind::term_b : Kind::term_a, line.op,
                      {gi.reference, at_if(slope.uses & 1, a), at_if(slope.uses & 2, b), at_if(slope.uses & 4, i)}));
          });
        break;
      case Kind::select:
        add(b, [&] { return select(Mask(writer.at(a)), gi, 0); });
        add(c, [&] { return select(Mask(writer.at(a)), 0, gi); });
        break;
      default: break;
    }
  }

  Scratch<int> of_inputs(wanted.size(), -1);
  for (std::size_t i = 0; i < size; ++i)
    if (writer.list[i].kind == Kind::input && depends[i]) of_inputs[writer.list[i].op] = gradient[i].line;
  return of_inputs;
}

}  // namespace wengert::fused
