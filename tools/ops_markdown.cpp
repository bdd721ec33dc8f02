// Prints docs/ops.md: every op and loss, as it declares itself.
#include <algorithm>
#include <cstdio>

#include "losses/losses.hpp"
#include "tools/gradcheck/describe.hpp"

using namespace wengert;

namespace {

/// A cell of a table: bars would end it.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  return text;
}

std::string list_of(const std::vector<Input>& inputs) {
  std::string text;
  for (const Input& i : inputs)
    text += (text.empty() ? "" : ", ") + std::string("`") + i.name + "` " + tool::to_text(i);
  return text;
}

std::string list_of(const std::vector<Attribute>& attributes) {
  std::string text;
  for (const Attribute& a : attributes) {
    const std::string type = tool::type_of(a);
    text += (text.empty() ? "" : ", ") + std::string("`") + a.name + "=" + a.fallback + "`" +
            (type.empty() ? "" : " " + type) + (*a.meaning ? std::string(" (") + a.meaning + ")" : "");
  }
  return text;
}

void print_table(const char* title, std::vector<Declared> all) {
  std::sort(all.begin(), all.end(),
            [](const Declared& a, const Declared& b) { return std::string(a.op->name) < b.op->name; });
  std::printf("\n## %s\n\n| name | formula | inputs | attributes | |\n|---|---|---|---|---|\n", title);
  for (const Declared& d : all)
    std::printf("| %s | %s | %s | %s | %s |\n", d.op->name, cell(d.op->formula).c_str(),
                cell(list_of(d.inputs)).c_str(), cell(list_of(d.attributes)).c_str(), tool::kinks_of(d).c_str());
}

}  // namespace

int main() {
  std::printf(
      "# Ops and losses\n\n"
      "Made by `ops_markdown` (tools/ops_markdown.cpp) from the declarations that stand beside the code; a test "
      "compares.\n"
      "Each is for float32 and float64, has derivatives of any order, and is checked in first and second order with "
      "inputs\n"
      "from the intervals given. Attributes are shown with what they are if they are not given.\n\n"
      "Beside them: `argmax(x, axis)` gives labels and has no gradient; `map(f, x, ...)` and `CustomOp` make ops of "
      "one's own\n"
      "(autodiff/map.hpp, autodiff/custom.hpp); `+ - * /` are add, sub, mul and div.\n");
  print_table("Ops", declared_ops());
  print_table("Losses", losses::declared_losses());
}
