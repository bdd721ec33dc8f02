// A process of its own for code that is not trusted to come back.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace wengert::tool {

struct ChildResult {
  std::vector<std::string> messages;  ///< what it sent
  std::string failure;                ///< how it ended, if not well: "it crashed (Segmentation fault)"
};

/// In the child, sends a message to the parent.
using Send = std::function<void(const std::string& message)>;

/// Runs f(send) in a child that is killed after `limit` seconds. Its stdout is stderr. An exception that ends f, or a static constructor that f runs, is a failure: "it threw: ..".
ChildResult run_in_child(const std::function<void(const Send&)>& f, int limit);

}  // namespace wengert::tool
