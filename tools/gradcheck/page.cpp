#include "tools/gradcheck/page.hpp"

#include "tools/gradcheck/assets.hpp"

namespace wengert::tool {

std::string page(const std::string& title, const Html& body, const std::string& script) {
  // The policy is for whoever embeds or changes the page: nothing is loaded from anywhere.
  std::string text = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
)";
  text += element("title", title).str() + "\n<style>\n" + assets::page_css + "</style>\n</head>\n<body>\n<main>\n";
  text += element("h1", title).str() + "\n" + body.str() + "</main>\n";
  if (!script.empty()) text += "<script>\n" + script + "</script>\n";
  return text + "</body>\n</html>\n";
}

}  // namespace wengert::tool
