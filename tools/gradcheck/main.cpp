// gradcheck: the options of all commands, and what an exception becomes. The contract of exit statuses: commands.hpp.
#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <functional>
#include <memory>
#include <new>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/files.hpp"
#include "tools/gradcheck/terminal.hpp"

namespace wengert::tool {
namespace {

using Command = std::function<int()>;

/// A command with its help; `chosen` becomes the call if it is the one that was given.
template <class Options>
CLI::App& add(CLI::App& app, Command& chosen, int (*command)(const Options&), std::shared_ptr<Options> options,
              const std::string& name, const std::string& what, const std::string& example) {
  CLI::App* const sub = app.add_subcommand(name, what);
  sub->footer("Example:\n  " + example);
  sub->callback([&chosen, command, options] { chosen = [=] { return command(*options); }; });
  return *sub;
}

CLI::Option* add_file(CLI::App& command, const std::string& flag, std::string& path, const std::string& what) {
  return command.add_option(flag, path, what)->type_name("FILE");
}

void add_list(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<ListOptions>();
  CLI::App& c = add(app, chosen, list, o, "list", "Say what every op and loss computes, and what it takes",
                    "gradcheck list --json -");
  add_file(c, "--json", o->json, "for programs; - is stdout");
}

/// One line, whatever the exception says.
int report(std::string message) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  message = "gradcheck: " + message + "\n";
  try {
    write_all(2, message, "stderr");
  } catch (const InputError&) {  // there is nobody left to tell
  }
  return bad_input;
}

int run(int argc, char** argv) {
  CLI::App app("Check gradients, evaluate an op or a loss on arrays of one's own, explain a derivation.", "gradcheck");
  app.set_version_flag("--version", "gradcheck " WENGERT_VERSION);
  bool no_color = false, quiet = false;
  app.add_flag("--no-color", no_color, "no colour, as with NO_COLOR set");
  app.add_flag("--quiet", quiet, "no progress, and only what is wrong");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 everything holds, 1 a gradient is wrong, 2 usage or input, 3 inconclusive or a kink,\n"
      "4 not deterministic or an input was changed, 5 a plug-in could not be loaded.");
  Command chosen;
  add_list(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    set_up_terminal(no_color, quiet);
    std::ostringstream text;
    app.exit(help, text, text);
    print(text.str());
    return good;
  } catch (const CLI::ParseError& e) { return report(std::string(e.what()) + "; see gradcheck --help"); }
  set_up_terminal(no_color, quiet);
  return chosen();
}

/// A standard descriptor that is closed would be given to the next file that is opened, which would then be printed
/// into. This way, writing to it fails.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

}  // namespace
}  // namespace wengert::tool

int main(int argc, char** argv) {
  using namespace wengert::tool;
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return report("there is not enough memory for that");
  } catch (const std::exception& e) { return report(e.what()); } catch (...) {
    return report("an exception of unknown type ended it");
  }
}
