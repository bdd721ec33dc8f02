// gradcheck: the options of all commands, and what an exception becomes. The contract of exit statuses: commands.hpp.
#include <fcntl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <new>

#include "tools/gradcheck/commands.hpp"
#include "tools/gradcheck/describe.hpp"
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

/// A variable of a script that is not set is not to pass for an option that is not given.
CLI::Validator not_empty() {
  return CLI::Validator([](const std::string& text) { return std::string(text.empty() ? "it is empty" : ""); }, "");
}

CLI::Option* add_file(CLI::App& command, const std::string& flag, std::string& path, const std::string& what) {
  return command.add_option(flag, path, what)->type_name("FILE")->check(not_empty());
}

/// Whole numbers from `least` that T holds: CLI11 alone takes -1 for a large one.
template <class T> CLI::Validator whole_number(T least) {
  return CLI::Validator(
      [least](const std::string& text) -> std::string {
        T value{};
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool good = error == std::errc() && end == text.data() + text.size() && value >= least;
        return good ? ""
                    : text + " is no whole number from " + std::to_string(least) + " to " +
                          std::to_string(std::numeric_limits<T>::max());
      },
      "");
}

void add_list(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<ListOptions>();
  CLI::App& c = add(app, chosen, list, o, "list", "Say what every op and loss computes, and what it takes",
                    "gradcheck list --json -");
  add_file(c, "--json", o->json, "for programs; - is stdout");
}

void add_eval(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<EvalOptions>();
  CLI::App& c =
      add(app, chosen, eval, o, "eval", "Evaluate an op or a loss on arrays in .npy files, and its derivatives",
          "gradcheck eval softmax_ce --input scores=s.npy --input labels=l.npy --out loss.npy --grad scores=g.npy");
  c.add_option("NAME", o->name, "of the op or loss, as list says them")->required();
  const auto add_named = [&](const std::string& flag, std::vector<std::string>& texts, const char* type,
                             const char* what) {
    c.add_option(flag, texts, what)->type_name(type)->allow_extra_args(false);
  };
  add_named("--input", o->inputs, "NAME=FILE", "an input; the element type of the first real one decides");
  add_named("--attr", o->attributes, "NAME=VALUE", "an attribute: stride=2,2");
  add_named("--upstream", o->upstreams, "[NAME=]FILE", "the gradient of an output; ones if it is not given");
  add_named("--out", o->outputs, "[NAME=]FILE", "an output is written there; the name where there are several");
  add_named("--grad", o->gradients, "NAME=FILE", "the gradient of sum(upstream * output) with respect to an input");
  add_named("--tangent", o->tangents, "NAME=FILE", "an input's part of what the Hessian of that sum is multiplied by");
  add_named("--hvp", o->hvps, "NAME=FILE", "an input's part of that product");
}

void add_check(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<CheckOptions>();
  CLI::App& c = add(app, chosen, check, o, "check", "Check the derivatives of ops and losses",
                    "gradcheck check softmax_ce matmul --dtype f64 --order 1");
  c.add_option("NAME", o->names, "ops and losses, as list says them; all, or all of the plug-in, if there is none")
      ->type_name("");
  c.add_option("--dtype", o->dtype, "f64 or f32; both if it is not given")
      ->check(CLI::IsMember({"f64", "f32"}))
      ->type_name("TYPE");
  c.add_option("--order", o->order, "1: gradients; 2: Hessians; both if it is not given")
      ->check(not_empty())
      ->check(CLI::IsMember({1, 2}))
      ->type_name("N");
  c.add_option("--directions", o->directions, "along so many random directions at once, not entry by entry (f64)")
      ->check(whole_number(1))
      ->type_name("K");
  c.add_option("--seed", o->seed, "of inputs, upstreams and directions")
      ->check(whole_number(std::uint64_t{0}))
      ->type_name("N")
      ->capture_default_str();
  add_file(c, "--plugin", o->plugin, "a library with ops of one's own: examples/plugin/")->type_name("LIB.so");
  c.add_option("--limit", o->limit, "seconds that an op of a plug-in may take")
      ->check(whole_number(1))
      ->type_name("S")
      ->capture_default_str();
  add_file(c, "--json", o->json, "for programs; - is stdout");
  add_file(c, "--junit", o->junit, "the same for continuous integration");
  add_file(c, "--html", o->html, "the same as a page, with the error of every entry");
}

void add_explain(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<ExplainOptions>();
  CLI::App& c = add(app, chosen, explain, o, "explain", "Show a derivation with the numbers of a row put in",
                    "gradcheck explain softmax_ce --scores 2,1,0.1,-1 --label 1 --html row.html");
  c.add_option("LOSS", o->loss, "softmax_ce")->required();
  c.add_option("--scores", o->scores, "one a class: 2,1,0.1,-1")->type_name("NUMBERS")->required();
  c.add_option("--label", o->label, "the class that is right, counted from 0")->type_name("CLASS")->check(not_empty());
  c.add_option("--targets", o->targets, "instead: a weight a class, any real numbers: 0.7,0,2,0")
      ->type_name("NUMBERS")
      ->check(not_empty());
  c.add_flag("--multilabel", o->multilabel, "the targets that are not 0 count 1/M each, M of them");
  add_file(c, "--html", o->html, "a page on which the scores can be dragged");
}

void add_compare(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<CompareOptions>();
  CLI::App& c =
      add(app, chosen, compare, o, "compare", "Show how many digits a loss keeps, and other ways of computing it lose",
          "gradcheck compare softmax_ce --dtype f64 --html digits.html");
  c.add_option("LOSS", o->loss, "softmax_ce")->required();
  c.add_option("--dtype", o->dtype, "f32 or f64")->check(CLI::IsMember({"f32", "f64"}))->capture_default_str();
  add_file(c, "--json", o->json, "all figures, for programs; - is stdout");
  add_file(c, "--html", o->html, "as a page with pictures");
}

void add_sweep(CLI::App& app, Command& chosen) {
  const auto o = std::make_shared<SweepOptions>();
  CLI::App& c = add(app, chosen, sweep, o, "sweep",
                    "Show the error of differences against their step, and the step that is chosen",
                    "gradcheck sweep softmax --html v.html");
  c.add_option("NAME", o->name, "of the op or loss, as list says them")->required();
  add_file(c, "--html", o->html, "as a page");
}

/// One line, whatever the exception says.
int report(std::string message, Status status = bad_input) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  message = "gradcheck: " + message + "\n";
  try {
    write_all(2, message, "stderr");
  } catch (const InputError&) {  // there is nobody left to tell
  }
  return status;
}

std::string explain_usage(const CLI::App& app, const CLI::ParseError& error, const std::string& first) {
  std::vector<std::string> commands;
  std::string help = "gradcheck --help";
  for (const CLI::App* command : app.get_subcommands({})) {
    commands.push_back(command->get_name());
    if (app.got_subcommand(command->get_name())) help = "gradcheck " + command->get_name() + " --help";
  }
  if (help == "gradcheck --help" && !first.empty() && first[0] != '-') {
    const std::string* const meant = closest_name(commands, first);
    return "there is no command " + first + (meant ? "; did you mean " + *meant + "?" : "; see " + help);
  }
  return error.what() + ("; see " + help);
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
  add_check(app, chosen);
  add_eval(app, chosen);
  add_explain(app, chosen);
  add_compare(app, chosen);
  add_sweep(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    set_up_terminal(no_color, quiet);
    std::ostringstream text;
    app.exit(help, text, text);
    print(text.str());
    return good;
  } catch (const CLI::ParseError& e) { return report(explain_usage(app, e, argc > 1 ? argv[1] : "")); }
  set_up_terminal(no_color, quiet);
  return chosen();
}

/// A standard descriptor that is closed would be given to the next file that is opened, which would then be printed
/// into. This way, writing to it fails.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

/// No more memory than there is: what does not fit is to be said in words, and not by the kernel, which ends the process.
void limit_memory() {
#if !defined(__SANITIZE_ADDRESS__)
  std::ifstream info("/proc/meminfo");
  std::string name, unit;
  rlim_t kilobytes = 0;
  while (info >> name >> kilobytes && std::getline(info, unit))
    if (name == "MemAvailable:") break;
  rlimit limit{};
  if (name != "MemAvailable:" || getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, kilobytes * 1024);
  setrlimit(RLIMIT_DATA, &limit);
#endif
}

}  // namespace
}  // namespace wengert::tool

int main(int argc, char** argv) {
  using namespace wengert::tool;
  occupy_standard_descriptors();
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);  // writing fails instead
  limit_memory();
  try {
    return run(argc, argv);
  } catch (const PluginError& e) { return report(e.what(), bad_plugin); } catch (const std::bad_alloc&) {
    return report("there is not enough memory for that");
  } catch (const std::exception& e) { return report(e.what()); } catch (...) {
    return report("an exception of unknown type ended it");
  }
}
