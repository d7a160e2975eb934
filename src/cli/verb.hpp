#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>

// The verbs of the command. Each function adds a subcommand, with an example in its help, and returns its
// action.

namespace gmdiff::cli {

/// A subcommand and its action. The action throws on failure (command.hpp maps exceptions to exit codes).
struct Verb {
  CLI::App* app;
  std::function<void()> action;
};

Verb add_sample(CLI::App& command);
Verb add_forward(CLI::App& command);
Verb add_posterior(CLI::App& command);
Verb add_draw(CLI::App& command);
Verb add_eval(CLI::App& command);
Verb add_distance(CLI::App& command);
Verb add_compare(CLI::App& command);
Verb add_problem(CLI::App& command);
Verb add_plot(CLI::App& command);
Verb add_merge(CLI::App& command);
Verb add_diagnose(CLI::App& command);
Verb add_fokker_planck(CLI::App& command);
Verb add_train(CLI::App& command);
Verb add_devices(CLI::App& command);

/// Flags of every verb.
struct CommonFlags {
  bool json = false;
  bool quiet = false;
};

/// Adds `--json` and `--quiet`.
inline void add_common_flags(CLI::App& verb, CommonFlags& flags) {
  verb.add_flag("--json", flags.json, "print one JSON object instead of a table");
  verb.add_flag("--quiet", flags.quiet, "no progress bar, warnings or notes");
}

/// Adds `--force`.
inline void add_force(CLI::App& verb, bool& force) {
  verb.add_flag("--force", force, "overwrite an existing output");
}

/// The last lines of a verb's help: complete commands that a user can run.
inline void set_examples(CLI::App& verb, const std::string& examples) {
  verb.footer("Example:\n" + examples);
}

}  // namespace gmdiff::cli
