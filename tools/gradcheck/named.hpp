// "NAME=VALUE" on a command line.
#pragma once

#include <string>
#include <vector>

namespace wengert::tool {

struct Named {
  std::string name, value;
  std::string said;  ///< "--input x=x.npy", for messages
};

/// An InputError if there is no name or no value, or if a name comes twice.
std::vector<Named> parse_named(const std::string& flag, const std::vector<std::string>& texts);

/// The one of that name, or null.
const Named* find_named(const std::vector<Named>& all, const std::string& name);

}  // namespace wengert::tool
