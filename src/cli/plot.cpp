// The verb plot: pictures as SVG.

#include <algorithm>
#include <memory>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/plot_kinds.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"
#include "io/json_input.hpp"

namespace gmdiff::cli {
namespace {

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const PlotKind& kind : plot_kinds()) names.emplace_back(kind.name);
  return names;
}

const PlotKind& kind_of(const std::string& name) {
  const auto found =
      std::ranges::find_if(plot_kinds(), [&](const PlotKind& kind) { return name == kind.name; });
  if (found == plot_kinds().end()) fail(io::unknown_name("picture", name, kind_names()));
  return *found;
}

/// Flags that some kind takes and this one does not are errors: they would have no effect.
void check_flags(const CLI::App& verb, const PlotKind& kind) {
  for (const PlotKind& other : plot_kinds()) {
    for (const std::string& flag : other.flags) {
      const bool is_taken = std::ranges::find(kind.flags, flag) != kind.flags.end();
      require(is_taken || verb.count(flag) == 0, flag, " does not belong to plot ", kind.name);
    }
  }
}

std::string plot_json(const PlotFlags& flags, const report::Picture& picture, const PlotInputs& inputs) {
  Json json;
  json["kind"] = flags.kind;
  json["title"] = picture.title;
  json["width"] = picture.width;
  json["height"] = picture.height;
  json["notes"] = picture.notes;
  json["warnings"] = inputs.warnings;
  json["file"] = flags.out.empty() ? Json(nullptr) : Json(flags.out);
  if (flags.out.empty()) json["svg"] = report::svg_file(picture);
  return json_text(json);
}

void run_plot(const CLI::App& verb, const PlotFlags& flags) {
  const PlotKind& kind = kind_of(flags.kind);
  check_flags(verb, kind);
  if (!flags.out.empty()) check_output_without_sidecar(flags.out, flags.force);
  PlotInputs inputs;
  report::Picture picture;
  {
    const ProgressLine line("plot", 0, flags.common.quiet);
    picture = kind.draw(flags, inputs);
  }
  if (!flags.out.empty()) {
    check_not_input(flags.out, inputs.files);
    write_text(flags.out, report::svg_file(picture), flags.force);
  }
  print_remarks(inputs.warnings, {}, flags.common.quiet);
  if (flags.common.json) return print(plot_json(flags, picture, inputs));
  if (flags.out.empty()) return print(report::svg_file(picture));
  if (!flags.common.quiet) print("picture written to " + flags.out + "\n");
}

void add_plot_flags(CLI::App& verb, PlotFlags& flags) {
  std::string names;
  for (const std::string& name : kind_names()) names += (names.empty() ? "" : ", ") + name;
  verb.add_option("KIND", flags.kind, names)->required()->type_name("");
  verb.add_option("FILES", flags.files, "files of the kind, see below")->required()->type_name("");
  verb.add_flag("--prior", flags.prior, "use the prior although the problem has an observation");
  verb.add_option("--coordinates", flags.coordinates, "one or two coordinates to show (0,1)")
      ->type_name("I,J");
  verb.add_option(
          "--projection", flags.projection,
          "plane to show instead of coordinates: principal, of the law's largest variances, or random")
      ->type_name("NAME");
  verb.add_option("--seed", flags.seed, "with --projection random: seed of the plane (0)")->type_name("S");
  verb.add_option("--time", flags.time, "field: time of the level (the middle of the grid)")->type_name("T");
  verb.add_option("--times", flags.times, "density: times of the levels, separated by commas")
      ->type_name("LIST");
  verb.add_option("--levels", flags.levels, "density: number of levels of the grid, up to 7 (4)")
      ->type_name("N");
  verb.add_option("--paths", flags.paths, "paths: largest number of paths (40)")->type_name("N");
  verb.add_option("--bound", flags.bound, "evolution: rate R of a bound KL(0) exp(-R t) to draw")
      ->type_name("R");
  verb.add_option("--quantity", flags.quantity, "compare: distance, e.g. sw_1 (the first one of the file)")
      ->type_name("NAME");
  verb.add_option("--cost", flags.cost, "compare: evaluations or seconds (evaluations)")->type_name("NAME");
  verb.add_option("--width", flags.width, "width in pixels, 240 to 4000 (720)")->type_name("W");
  verb.add_option("--out", flags.out, "SVG file to write instead of standard output")->type_name("FILE");
  add_force(verb, flags.force);
  add_common_flags(verb, flags.common);
}

/// The kinds with their files, as lines of the help.
std::string kinds_text() {
  Table table;
  for (const PlotKind& kind : plot_kinds())
    table.add({std::string("  ") + kind.name, kind.files, kind.meaning});
  return table.text();
}

}  // namespace

Verb add_plot(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "plot", "a picture of a law, samples, paths, chains, densities, trainings or a comparison");
  auto flags = std::make_shared<PlotFlags>();
  add_plot_flags(*verb, *flags);
  verb->footer(
      "Kinds and their files:\n" + kinds_text() +
      "\nLarge sets of points are thinned, and the picture says so. chain: with the problem, the first 20 "
      "chains run again, and the picture shows their weights at every step.\n\n"
      "Example:\n"
      "  gmdiff plot density problem.json --out density.svg\n"
      "  gmdiff plot samples x.npy problem.json --out samples.svg\n"
      "  gmdiff plot paths paths.npy problem.json --out paths.svg\n"
      "  gmdiff plot field problem.json --time 0.3 --out field.svg\n"
      "  gmdiff plot chain chains.npz problem.json --out chain.svg\n"
      "  gmdiff plot trace trace.npy problem.json --out trace.svg\n"
      "  gmdiff plot training log.jsonl --out training.svg\n"
      "  gmdiff plot sampler sampler.npz banana.json --out sampler.svg\n"
      "  gmdiff plot evolution density.npz --out evolution.svg\n");
  return {verb, [flags, verb] { run_plot(*verb, *flags); }};
}

}  // namespace gmdiff::cli
