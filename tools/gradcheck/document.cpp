#include "tools/gradcheck/document.hpp"

#include <algorithm>
#include <sstream>

#include "tools/gradcheck/math.hpp"

namespace wengert::tool {
namespace {

std::string toned(Tone tone, const std::string& text) {
  switch (tone) {
    case Tone::dim: return styled(Style::dim, text);
    case Tone::up: return styled(Style::blue, text);
    case Tone::down: return styled(Style::yellow, text);
    case Tone::good: return styled(Style::green, text);
    case Tone::bad: return styled(Style::red, text);
    case Tone::plain: break;
  }
  return text;
}

std::string class_of(Tone tone) {
  constexpr const char* names[] = {"", "dim", "up", "down", "good", "bad"};
  return names[static_cast<int>(tone)];
}

/// In lines; a formula stays in one.
std::string wrapped(const std::string& prose, std::size_t width) {
  constexpr char tied = '\x1f';
  std::istringstream words(prose_text(prose, tied));
  std::string all, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width) {
      all += line + '\n';
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  all += line + '\n';
  std::replace(all.begin(), all.end(), tied, ' ');
  return all;
}

struct ToText {
  std::size_t width;

  std::string operator()(const Heading& h) const { return styled(Style::bold, h.text) + "\n"; }
  std::string operator()(const Paragraph& p) const { return wrapped(p.prose, width); }
  std::string operator()(const Formulas& lines) const {
    std::size_t widest = 0;
    for (const FormulaLine& line : lines) widest = std::max(widest, width_of(prose_text(line.label)));
    std::string text;
    for (const FormulaLine& line : lines) {
      const std::string label = prose_text(line.label), remark = prose_text(line.remark.text);
      text += "  " + label + std::string(widest - width_of(label) + (widest ? 2 : 0), ' ') + math_text(line.formula) +
              (remark.empty() ? "" : "   " + toned(line.remark.tone, remark)) + "\n";
    }
    return text;
  }
  std::string operator()(const DataTable& t) const {
    std::vector<std::string> headings;
    std::vector<Table::Align> aligns;
    for (const Column& c : t.columns) {
      headings.push_back(prose_text(c.heading));
      aligns.push_back(c.align);
    }
    Table table(headings, aligns);
    for (const auto& row : t.rows) {
      std::vector<std::string> cells;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const bool words = t.columns[i].align == Table::Align::left;
        cells.push_back(toned(row[i].tone, words ? prose_text(row[i].text) : row[i].text));
      }
      table.add(std::move(cells));
    }
    const std::string text = table.str();
    return text.starts_with('\n') ? text.substr(1)  // there are no headings
                                  : styled(Style::dim, t.caption) + "\n" + text;
  }
  std::string operator()(const Picture&) const { return {}; }
  std::string operator()(const Preformatted& p) const { return p.text; }
};

struct ToHtml {
  Html operator()(const Heading& h) const { return element("h2", h.text); }
  Html operator()(const Paragraph& p) const { return element("p", prose_html(p.prose)); }
  Html operator()(const Formulas& lines) const {
    Html all;
    for (const FormulaLine& line : lines) {
      Html one;
      if (!line.label.empty()) one += element("span", {{"class", "label"}}, prose_html(line.label));
      one += element("div", {{"class", "scroll"}}, mathml(line.formula, true));
      if (!line.remark.text.empty())
        one += element("span", {{"class", joined("remark", class_of(line.remark.tone))}, {"data-v?", line.remark.name}},
                       prose_html(line.remark.text));
      all += element("div", {{"class", "formula"}}, one);
    }
    return all;
  }
  Html operator()(const DataTable& t) const {
    Html head, body;
    bool headed = false;
    for (const Column& c : t.columns) {
      head += element("th", {{"scope", "col"}, {"class?", left(c)}}, prose_html(c.heading));
      headed |= !c.heading.empty();
    }
    head = headed ? element("thead", element("tr", head)) : Html();
    for (const auto& row : t.rows) {
      Html cells;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string tone = class_of(row[i].tone), align = left(t.columns[i]);
        const std::string both = joined(align, tone);
        const Html text = align.empty() ? Html(with_minus(row[i].text)) : prose_html(row[i].text);
        cells += i == 0 ? element("th", {{"scope", "row"}, {"class?", both}}, text)
                        : element("td", {{"class?", both}, {"data-v?", row[i].name}}, text);
      }
      body += element("tr", cells);
    }
    const Html table = element("table", head + element("tbody", body));
    return element(
        "figure",
        element("figcaption", t.caption) +
            element("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", t.caption}},
                    table));
  }
  Html operator()(const Picture& p) const { return p.html; }
  Html operator()(const Preformatted&) const { return {}; }

  static std::string joined(const std::string& a, const std::string& b) {
    return a + (a.empty() || b.empty() ? "" : " ") + b;
  }
  static std::string left(const Column& c) { return c.align == Table::Align::left ? "left" : ""; }
};

}  // namespace

std::string document_text(const Document& document, std::size_t width) {
  std::string text;
  for (const Block& block : document) {
    const std::string one = std::visit(ToText{width}, block);
    if (one.empty()) continue;
    const bool tight = std::holds_alternative<Heading>(block);
    text += one + (tight ? "" : "\n");
  }
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

Html document_html(const Document& document) {
  Html html;
  for (const Block& block : document) html += std::visit(ToHtml{}, block) + Html("\n");
  return html;
}

void show(const Document& document, std::initializer_list<std::string> files) {
  for (const std::string& file : files)
    if (file == "-" || (quiet() && !file.empty())) return;
  print(document_text(document, std::min<std::size_t>(terminal_width(), 100)));
}

}  // namespace wengert::tool
