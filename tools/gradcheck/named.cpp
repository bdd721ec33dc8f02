#include "tools/gradcheck/named.hpp"

#include "tools/gradcheck/commands.hpp"

namespace wengert::tool {

std::vector<Named> parse_named(const std::string& flag, const std::vector<std::string>& texts) {
  std::vector<Named> all;
  for (const std::string& text : texts) {
    const std::string said = flag + " " + text;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) throw InputError(said + ": NAME=VALUE was expected");
    Named named{text.substr(0, equals), text.substr(equals + 1), said};
    if (find_named(all, named.name)) throw InputError(said + ": " + named.name + " was given before");
    all.push_back(std::move(named));
  }
  return all;
}

const Named* find_named(const std::vector<Named>& all, const std::string& name) {
  for (const Named& named : all)
    if (named.name == name) return &named;
  return nullptr;
}

}  // namespace wengert::tool
