// Markup: text becomes it by being escaped, and in no other way.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace wengert::tool {

class Html {
 public:
  Html() = default;
  Html(std::string_view text);  ///< escaped: it shows as it is, in an element and in an attribute
  Html(const std::string& text) : Html(std::string_view(text)) {}
  Html(const char* text) : Html(std::string_view(text)) {}

  /// Taken as markup: for what is written in this program, never for what was read.
  static Html markup(std::string text);

  Html& operator+=(const Html& other);
  friend Html operator+(Html a, const Html& b) { return std::move(a += b); }
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

/// name="value", the value escaped. A name that ends in "?" is left out if the value is empty.
struct HtmlAttribute {
  std::string_view name;
  std::string value;
};
using HtmlAttributes = std::initializer_list<HtmlAttribute>;

/// <name attributes>content</name>
Html element(std::string_view name, HtmlAttributes attributes, const Html& content = {});
Html element(std::string_view name, const Html& content);

/// As attributes want numbers: short, with a point, never "-0".
std::string attribute_number(double x);

}  // namespace wengert::tool
