#include <nlohmann/json.hpp>

#include "losses/losses.hpp"
#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/terminal.hpp"

namespace wengert::tool {
namespace {

using nlohmann::ordered_json;

std::string text_of(const Declared& d) {
  std::string text = styled(Style::bold, d.op->name) + "  " + d.op->formula + "\n";
  for (const Input& i : d.inputs) text += "    " + std::string(i.name) + "  " + styled(Style::dim, to_text(i)) + "\n";
  for (const Attribute& a : d.attributes) {
    std::string more = type_of(a);
    if (*a.meaning) more += (more.empty() ? "" : "; ") + std::string(a.meaning);
    text +=
        "    " + std::string(a.name) + "=" + a.fallback + (more.empty() ? "" : "  " + styled(Style::dim, more)) + "\n";
  }
  if (d.output_names != std::vector<std::string>{"y"}) {
    text += "    gives";
    for (const std::string& name : d.output_names) text += " " + name;
    text += "\n";
  }
  text += "    " + kinks_of(d) + "; checked in order";
  for (const int order : checked_orders) text += (order == checked_orders[0] ? " " : ", ") + std::to_string(order);
  return text + "\n\n";
}

const char* name_of(Draw draw) {
  switch (draw) {
    case Draw::uniform: return "uniform";
    case Draw::distinct: return "distinct";
    case Draw::constant: return "constant";
    case Draw::mask: return "mask";
    case Draw::sign: return "sign";
    case Draw::index: return "index";
    case Draw::regular: return "regular";
    case Draw::positive_definite: return "positive_definite";
  }
  return "";
}

ordered_json json_of(const Declared& d, const char* kind) {
  ordered_json inputs = ordered_json::array(), attributes = ordered_json::array();
  for (const Input& i : d.inputs)
    inputs.push_back({{"name", i.name},
                      {"draw", name_of(i.draw)},
                      {"domain", {i.domain.low, i.domain.high}},
                      {"differentiable", i.differentiable()},
                      {"optional", i.optional}});
  for (const Attribute& a : d.attributes)
    attributes.push_back({{"name", a.name}, {"type", a.type}, {"default", a.fallback}, {"meaning", a.meaning}});
  return {{"name", d.op->name},
          {"kind", kind},
          {"formula", d.op->formula},
          {"inputs", std::move(inputs)},
          {"attributes", std::move(attributes)},
          {"outputs", d.output_names},
          {"smooth", d.kinks_at.empty() && !d.kinked_at_ties() && !d.op->kinked},
          {"kinks_at", d.kinks_at},
          {"kinked_at_ties", d.kinked_at_ties()},
          {"orders", checked_orders},
          {"samples", d.samples}};
}

}  // namespace

int list(const ListOptions& options) {
  const std::vector<Declared> ops = declared_ops(), losses = losses::declared_losses();
  if (!options.json.empty()) {
    ordered_json all = ordered_json::array();
    for (const Declared& d : ops) all.push_back(json_of(d, "op"));
    for (const Declared& d : losses) all.push_back(json_of(d, "loss"));
    write_file("--json", options.json, all.dump(2) + "\n");
    return good;
  }
  std::string text;
  for (const Declared& d : ops) text += text_of(d);
  for (const Declared& d : losses) text += text_of(d);
  text.pop_back();
  print(text);
  return good;
}

}  // namespace wengert::tool
