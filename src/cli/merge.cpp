#include <memory>

#include "base/check.hpp"
#include "cli/files.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/verb.hpp"
#include "study/merge.hpp"

namespace gmdiff::cli {
namespace {

struct MergeFlags {
  std::vector<std::string> files;
  CommonFlags common;
  std::string out;
  bool force = false;
};

study::RunRecord watched_merge(const MergeFlags& flags, const std::vector<study::Part>& parts) {
  const std::int64_t bytes = study::num_bytes(parts);
  check_free_space(flags.out,
                   static_cast<std::uint64_t>(bytes) * (study::is_archive(parts.front().arrays) ? 2 : 1));
  const InterruptWatcher watcher;
  ProgressLine line("merge", bytes, flags.common.quiet);
  return study::merge(parts, flags.out,
                      {.force = flags.force,
                       .progress = [&line](const Progress& progress) { line.update(progress.done); },
                       .stop = watcher.token()});
}

void run_merge(const MergeFlags& flags) {
  check_output_with_sidecar(flags.out, flags.force);
  InputFiles inputs;
  for (const std::string& file : flags.files) add_data(inputs, file);
  check_not_input(flags.out, inputs);
  const std::vector<study::Part> parts = study::load_parts(flags.files);
  require(!study::is_archive(parts.front().arrays) || flags.out.ends_with(".npz"), "--out ", flags.out,
          ": the parts are archives; give a name that ends in .npz");
  const study::RunRecord whole = watched_merge(flags, parts);
  print_remarks(whole.warnings, whole.notes, flags.common.quiet);
  print(flags.common.json ? json_text(result_json(whole, flags.out)) : result_text(whole, flags.out));
}

}  // namespace

Verb add_merge(CLI::App& command) {
  CLI::App* verb = command.add_subcommand("merge", "joins the ranges of one run");
  auto flags = std::make_shared<MergeFlags>();
  verb->add_option("FILES", flags->files,
                   ".npy or .npz files of adjacent ranges, in any order; each with its FILE.json")
      ->required()
      ->type_name("");
  verb->add_option("--out", flags->out, "the .npy or .npz file to write, of the same type as the parts")
      ->required()
      ->type_name("FILE");
  add_force(*verb, flags->force);
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff merge a.npy b.npy --out merged.npy\n");
  return {verb, [flags] { run_merge(*flags); }};
}

}  // namespace gmdiff::cli
