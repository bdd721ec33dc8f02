#include "tools/gradcheck/math.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace wengert::tool {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)); }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

/// Whether it must be put in parentheses to be one operand: a space outside of them.
bool is_compound(std::string_view text) {
  int depth = 0;
  for (const char c : text) {
    depth += (c == '(') - (c == ')');
    if (depth == 0 && c == ' ') return true;
  }
  return text.starts_with('-');
}

struct Both {
  std::string text;
  Html html;
};

/// Reads a formula into both of its forms.
class Reader {
 public:
  explicit Reader(std::string_view formula) : all_(formula), rest_(formula) {}

  Both formula() {
    Both b = row('\0');
    if (!rest_.empty()) fail();
    return b;
  }

 private:
  [[noreturn]] void fail() const { throw std::logic_error("no formula: " + std::string(all_)); }
  bool take(std::string_view start) {
    if (!rest_.starts_with(start)) return false;
    rest_.remove_prefix(start.size());
    return true;
  }
  std::string_view take(std::size_t n) {
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  /// Up to `end`, which is left.
  Both row(char end) {
    Both b;
    bool after_name = false;
    while (!rest_.empty() && rest_.front() != end) {
      if (take(" ")) {
        b.text += ' ';
        continue;
      }
      const bool name = is_letter(rest_.front());
      const bool function = name && rest_.size() > 1 && is_letter(rest_[1]);
      // log p, not logp; but f(x).
      if ((after_name && (name || is_digit(rest_.front()) || rest_.front() == '\\')) || (function && !b.html.empty()))
        b.html += Html::markup("<mspace width=\"0.17em\"/>");
      const Both one = with_scripts();
      b.text += one.text;
      b.html += one.html;
      after_name = function;
    }
    return b;
  }

  Both with_scripts() {
    Both b = token();
    const bool big = b.text == "sum";
    Both below, above;
    while (!rest_.empty() && (rest_.front() == '_' || rest_.front() == '^')) {
      const bool index = take(1) == "_";
      Both& script = index ? below : above;
      script = take("{") ? group() : token();
      b.text += (index ? "_" : "^") + (is_compound(script.text) ? "(" + script.text + ")" : script.text);
      script.html = element("mrow", script.html);
    }
    if (!below.html.empty() && !above.html.empty())
      b.html = element("msubsup", b.html + below.html + above.html);
    else if (!below.html.empty())
      b.html = element(big ? "munder" : "msub", b.html + below.html);
    else if (!above.html.empty())
      b.html = element("msup", b.html + above.html);
    return b;
  }

  Both group() {
    Both b = row('}');
    if (!take("}")) fail();
    return b;
  }

  std::string raw_group() {
    if (!take("{")) fail();
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos) fail();
    const std::string text(take(end));
    take(1);
    return text;
  }

  Both token() {
    if (rest_.empty()) fail();
    if (take("\\frac")) {
      if (!take("{")) fail();
      const Both a = group();
      if (!take("{")) fail();
      const Both b = group();
      const auto part = [](const std::string& t) { return is_compound(t) ? "(" + t + ")" : t; };
      return {part(a.text) + "/" + part(b.text), element("mfrac", element("mrow", a.html) + element("mrow", b.html))};
    }
    if (take("\\sum")) return {"sum", Html::markup("<mo>∑</mo>")};
    if (take("\\v")) {
      const std::string name = raw_group(), number = raw_group();
      return {number, element("mn", {{"data-v", name}}, with_minus(number))};
    }
    if (is_letter(rest_.front())) {
      std::size_t n = 1;
      while (n < rest_.size() && is_letter(rest_[n])) ++n;
      const std::string name(take(n));
      if (name.size() == 2 && name[0] == 'd')
        return {name, element("mrow", element("mi", {{"mathvariant", "normal"}}, "d") + element("mi", name.substr(1)))};
      return {name, element("mi", name)};
    }
    if (is_digit(rest_.front())) {
      std::size_t n = 1;
      while (n < rest_.size() && (is_digit(rest_[n]) || rest_[n] == '.')) ++n;
      const std::string number(take(n));
      return {number, element("mn", number)};
    }
    constexpr struct {
      std::string_view written, shown;
    } operators[] = {{"!=", "≠"}, {">=", "≥"}, {"<=", "≤"}, {"->", "→"}, {"-", "−"}, {"*", "×"},
                     {"<", "<"},  {">", ">"},  {"+", "+"},  {"/", "/"},  {"=", "="}, {"(", "("},
                     {")", ")"},  {"[", "["},  {"]", "]"},  {",", ","},  {"|", "|"}};
    constexpr std::string_view fence = "()[]|";  // no taller than what they follow, where an index hangs on them
    for (const auto& o : operators)
      if (take(o.written))
        return {std::string(o.written),
                element("mo", {{"stretchy?", fence.find(o.written) == fence.npos ? "" : "false"}}, o.shown)};
    fail();
  }

  std::string_view all_, rest_;
};

/// The parts between two `mark`s go to `inside`, the others to `outside`.
template <class Outside, class Inside> void split(std::string_view prose, char mark, Outside outside, Inside inside) {
  for (bool is_inside = false;; is_inside = !is_inside) {
    const std::size_t end = prose.find(mark);
    const std::string_view part = prose.substr(0, end);
    if (is_inside)
      inside(part);
    else
      outside(part);
    if (end == std::string_view::npos) return;
    prose.remove_prefix(end + 1);
  }
}

}  // namespace

std::string math_text(std::string_view formula) { return Reader(formula).formula().text; }

Html mathml(std::string_view formula, bool block) {
  return element("math", {{"display?", block ? "block" : ""}}, element("mrow", Reader(formula).formula().html));
}

std::string prose_text(std::string_view prose, char space_in_formulas) {
  std::string text;
  const auto words = [&](auto part) { text += part; };
  split(
      prose, '$', [&](auto part) { split(part, '`', words, words); },
      [&](auto formula) {
        std::string one = math_text(formula);
        std::replace(one.begin(), one.end(), ' ', space_in_formulas);
        text += one;
      });
  return text;
}

Html prose_html(std::string_view prose) {
  Html html;
  const auto words = [&](auto part) { html += part; };
  const auto typed = [&](auto part) { html += element("code", part); };
  split(
      prose, '$', [&](auto part) { split(part, '`', words, typed); }, [&](auto formula) { html += mathml(formula); });
  return html;
}

std::string with_minus(std::string number) {
  for (std::size_t at = 0; (at = number.find('-', at)) != std::string::npos;) number.replace(at, 1, "−");
  return number;
}

}  // namespace wengert::tool
