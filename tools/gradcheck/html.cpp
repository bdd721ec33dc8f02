#include "tools/gradcheck/html.hpp"

#include <charconv>
#include <cmath>

namespace wengert::tool {

Html::Html(std::string_view text) {
  for (const char c : text) switch (c) {
      case '&': text_ += "&amp;"; break;
      case '<': text_ += "&lt;"; break;
      case '>': text_ += "&gt;"; break;
      case '"': text_ += "&quot;"; break;
      case '\'': text_ += "&#39;"; break;
      default:  // control characters are none in HTML
        text_ += static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' ? ' ' : c;
    }
}

Html Html::markup(std::string text) {
  Html h;
  h.text_ = std::move(text);
  return h;
}

Html& Html::operator+=(const Html& other) {
  text_ += other.text_;
  return *this;
}

Html element(std::string_view name, HtmlAttributes attributes, const Html& content) {
  std::string text = "<" + std::string(name);
  for (const HtmlAttribute& a : attributes) {
    std::string_view key = a.name;
    if (key.ends_with('?')) {
      if (a.value.empty()) continue;
      key.remove_suffix(1);
    }
    text += " " + std::string(key) + "=\"" + Html(a.value).str() + "\"";
  }
  return Html::markup(text + ">" + content.str() + "</" + std::string(name) + ">");
}

Html element(std::string_view name, const Html& content) { return element(name, {}, content); }

std::string attribute_number(double x) {
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, std::round(x * 100) / 100 + 0., std::chars_format::fixed).ptr;
  return std::string(text, end);
}

}  // namespace wengert::tool
