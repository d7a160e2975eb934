#include "cli/command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include <gmdiff/base/error.hpp>
#include <gmdiff/base/version.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/streams.hpp"
#include "cli/verb.hpp"
#include "io/json_input.hpp"
#include "io/unfinished_files.hpp"
#include "study/interrupted.hpp"

namespace gmdiff::cli {
namespace {

/// The command line: the program, its verbs and the chosen one.
struct CommandLine {
  CLI::App app{
      "Samples diffusion processes whose answers are known exactly: Gaussian-mixture priors, linear "
      "observations."};
  std::vector<Verb> verbs;

  CommandLine() {
    app.name("gmdiff");
    app.set_version_flag("--version", std::string("gmdiff ") + version(), "print the version");
    app.require_subcommand(1);
    app.get_formatter()->column_width(28);
    app.footer(
        "gmdiff VERB --help explains a verb, with an example.\n\nExample:\n  gmdiff problem bench-2d\n");
    for (const auto add :
         {add_sample, add_forward, add_posterior, add_draw, add_eval, add_distance, add_compare, add_plot,
          add_problem, add_merge, add_diagnose, add_fokker_planck, add_train, add_devices}) {
      verbs.push_back(add(app));
    }
  }

  /// The verb given on the command line, or null.
  const Verb* chosen() const {
    for (const Verb& verb : verbs) {
      if (app.got_subcommand(verb.app)) return &verb;
    }
    return nullptr;
  }

  std::vector<std::string> verb_names() const {
    std::vector<std::string> names;
    for (const Verb& verb : verbs) names.push_back(verb.app->get_name());
    return names;
  }
};

int report(const std::string& message, ExitCode code) {
  std::cerr << "gmdiff: " << message << "\n";
  return code;
}

/// Names of the long flags of a verb, with their dashes.
std::vector<std::string> flag_names(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// The error in the arguments of a verb, in one line. An unknown flag comes first, because it often causes
/// the other errors.
std::string explain(const Verb& verb, const CLI::ParseError& error) {
  const std::string name = verb.app->get_name();
  const std::string hint = "; gmdiff " + name + " --help shows an example";
  const std::vector<std::string> unknown = verb.app->remaining();
  const auto argument =
      std::ranges::find_if(unknown, [](const std::string& text) { return text.starts_with("-"); });
  if (argument != unknown.end()) {
    const std::string flag = argument->substr(0, argument->find('='));
    return name + ": " + io::unknown_name("flag", flag, flag_names(*verb.app)) + hint;
  }
  if (!unknown.empty()) return name + ": unexpected argument " + unknown.front() + hint;
  return name + ": " + error.what() + hint;
}

/// The error when no verb was recognised.
std::string explain(const CommandLine& line, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = line.app.remaining();
  if (unknown.empty()) return error.what();
  const bool flag = unknown.front().starts_with("-");
  return flag ? io::unknown_name("flag", unknown.front(), flag_names(line.app))
              : io::unknown_name("verb", unknown.front(), line.verb_names());
}

int report_usage(const CommandLine& line) {
  std::string names;
  for (const std::string& name : line.verb_names()) names += (names.empty() ? "" : ", ") + name;
  std::cerr << "usage: gmdiff VERB ...   with VERB one of " << names
            << "\n       gmdiff VERB --help explains a verb\n";
  return wrong_usage;
}

/// Ends the command when memory runs out inside a destructor, which an exception cannot leave: same message,
/// same exit code.
[[noreturn]] void end_out_of_memory() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc& error) {
    report(error.what(), failed);
    io::remove_unfinished_files();
    _exit(failed);
  } catch (...) {
  }
  std::abort();
}

/// Runs the command; exceptions become messages and exit codes.
int guarded(const std::function<int()>& command) {
  try {
    return command();
  } catch (const MemoryError& error) {
    return report(error.what(), exit_code_of(error));
  } catch (const std::bad_alloc& error) {
    return report(
        concat("out of memory: ", available_memory(), " bytes are available, and more were requested"),
        exit_code_of(error));
  } catch (const std::length_error& error) {
    return report("out of memory", exit_code_of(error));
  } catch (const std::exception& error) {
    return report(error.what(), exit_code_of(error));
  }
}

/// Prints the requested help or version.
int answer(const CommandLine& line, const CLI::Success& asked) {
  std::ostringstream text;
  line.app.exit(asked, text, text);
  print(text.str());
  return done;
}

int parse_and_run(int argc, char** argv) {
  std::set_terminate(end_out_of_memory);
  occupy_standard_streams();
  watch_signals();
  CommandLine line;
  if (argc <= 1) return report_usage(line);
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return answer(line, help_or_version);
  } catch (const CLI::ParseError& error) {
    const Verb* verb = line.chosen();
    return report(verb != nullptr ? explain(*verb, error) : explain(line, error), wrong_usage);
  }
  line.chosen()->action();
  return done;
}

}  // namespace

int run_command(int argc, char** argv) {
  return guarded([&] { return parse_and_run(argc, argv); });
}

}  // namespace gmdiff::cli
