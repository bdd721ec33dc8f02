#include "tools/gradcheck/plugin.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "autodiff/plugin.hpp"
#include "tools/gradcheck/check.hpp"
#include "tools/gradcheck/child.hpp"
#include "tools/gradcheck/describe.hpp"
#include "tools/gradcheck/terminal.hpp"

namespace wengert::tool {
namespace {

/// In a child: loads the library. Its ops register themselves, behind those that were there.
std::vector<Declared> load(const std::string& path) {
  const std::size_t own = declared_ops().size();
  // A name without a slash would be looked for among the system's libraries.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  if (!std::filesystem::is_regular_file(file)) throw PluginError("it is no file; a shared library was expected");
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const std::string error = dlerror();
    const bool own_library = error.find("static TLS block") != std::string::npos;
    throw PluginError(error + (own_library ? "; does it link wengert::wengert? It has to be wengert::plugin" : ""));
  }
  const auto version = reinterpret_cast<const char* (*)()>(dlsym(library, "wengert_plugin_version"));
  if (!version) throw PluginError("it is no plug-in: nothing in it includes autodiff/plugin.hpp");
  if (std::strcmp(version(), wengert_plugin_version()) != 0)
    throw PluginError(std::string("it was built for wengert ") + version() + ", and this is " +
                      wengert_plugin_version());
  std::vector<Declared> all = declared_ops();
  if (all.size() == own) throw PluginError("it has no ops; a CustomOp that is static was expected");
  return {all.begin() + static_cast<std::ptrdiff_t>(own), all.end()};
}

/// The names of its ops, from a child that loads it.
std::vector<std::string> names_in(const std::string& path, int limit) {
  const ChildResult loaded = run_in_child(
      [&](const Send& send) {
        try {
          const std::vector<Declared> ops = load(path);
          send("");  // first of all, why it cannot be loaded
          for (const Declared& d : ops) send(d.op->name);
        } catch (const PluginError& e) { send(e.what()); }
      },
      limit);
  const std::string why = loaded.messages.empty() ? loaded.failure : loaded.messages[0] + loaded.failure;
  if (!why.empty()) throw PluginError("--plugin " + path + ": cannot be loaded: " + why);
  return {loaded.messages.begin() + 1, loaded.messages.end()};
}

/// Those that the options ask for.
std::vector<std::string> chosen_names(const CheckOptions& options) {
  const std::vector<std::string> all = names_in(options.plugin, options.limit);
  for (const std::string& name : options.names)
    if (std::find(all.begin(), all.end(), name) == all.end()) {
      std::string list;
      for (const std::string& other : all) list += (list.empty() ? "" : ", ") + other;
      throw InputError(name + ": " + options.plugin + " has no op of that name; it has " + list);
    }
  return options.names.empty() ? all : options.names;
}

}  // namespace

std::vector<OpReport> check_plugin(const CheckOptions& options, const std::vector<OpCheck>& checks) {
  const std::vector<std::string> names = chosen_names(options);
  std::vector<OpReport> reports;
  Progress progress(names.size());
  for (const std::string& name : names) {
    progress.step(name);
    const ChildResult checked = run_in_child(
        [&](const Send& send) {
          const std::vector<Declared> ops = load(options.plugin);
          for (const OpCheck& check : checks) send(pack(check_op(find_declared(ops, name), check)));
        },
        options.limit);
    for (const std::string& report : checked.messages) reports.push_back(unpack(report));
    if (checked.messages.size() == checks.size()) continue;
    const OpCheck& failed = checks[checked.messages.size()];
    reports.push_back({.op = name,
                       .dtype = failed.dtype,
                       .order = failed.order,
                       .seed = failed.seed,
                       .verdict = Verdict::wrong,
                       .samples = {{.op = name, .verdict = Verdict::wrong, .note = checked.failure}}});
  }
  return reports;
}

std::map<std::string, ErrorCurve> curves_of_plugin(const CheckOptions& options, const std::vector<OpReport>& reports) {
  std::map<std::string, ErrorCurve> curves;
  for (const OpReport* r : in_double(reports)) {
    const ChildResult run = run_in_child(
        [&](const Send& send) {
          const std::vector<Declared> ops = load(options.plugin);
          send(pack(error_curve(find_declared(ops, r->op), *r)));
        },
        options.limit);
    if (!run.messages.empty()) curves[r->op] = unpack_curve(run.messages[0]);
  }
  return curves;
}

}  // namespace wengert::tool
