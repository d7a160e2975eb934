#include <algorithm>
#include <memory>
#include <stdexcept>

#include "base/check.hpp"
#include "cli/compare_output.hpp"
#include "cli/compare_report.hpp"
#include "cli/compare_settings.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {
namespace {

std::vector<std::string> notes_of(const CompareSettings& settings, const std::vector<SamplerRow>& rows) {
  std::size_t runs = 0, reused = 0;
  for (const SamplerRow& row : rows) {
    runs += row.records.size();
    reused += row.reused;
  }
  if (reused == 0) return {};
  return {concat(reused, " of ", runs, " runs were in ", settings.results.string())};
}

std::string compare_output(const CompareFlags& flags, const CompareSettings& settings,
                           const std::vector<SamplerRow>& rows) {
  if (flags.csv) return compare_csv(rows);
  return flags.common.json ? compare_json(settings, rows) : compare_text(settings, rows);
}

void run_compare(const CompareFlags& flags) {
  if (!flags.report.empty()) check_report(flags.report, flags.force, flags.files);
  CompareSettings settings = parse_settings(flags);
  if (!flags.report.empty()) settings.kept_samples = report_samples;
  std::vector<SamplerRow> rows;
  {
    ProgressLine line("compare", num_samples(settings), flags.common.quiet);
    settings.options.progress = [&line](const Progress& progress) { line.update(progress.done); };
    rows = compare(settings);
  }
  if (!flags.report.empty()) write_report(flags.report, flags.force, settings, rows);
  print_remarks(first_warnings(rows), notes_of(settings, rows), flags.common.quiet);
  print(compare_output(flags, settings, rows));
  const auto failed =
      std::ranges::count_if(rows, [](const SamplerRow& row) { return row.error.has_value(); });
  if (failed > 0)
    throw std::runtime_error(
        concat("compare: ", failed, " of ", rows.size(), " samplers failed; their rows say why"));
}

void add_compare_flags(CLI::App& verb, CompareFlags& flags) {
  verb.add_option("PROBLEMS", flags.files, "problem files, - for standard input")->type_name("");
  verb.add_option("--seeds", flags.seeds,
                  "instead of files: problems of the MCGdiff benchmark, of seeds A to B - 1")
      ->type_name("A:B");
  verb.add_option("--dx", flags.dx, "with --seeds: dimension of x, even (8)")->type_name("N");
  verb.add_option("--dy", flags.dy, "with --seeds: dimension of y (2)")->type_name("N");
  verb.add_option("--steps", flags.steps, "number of steps, instead of the grids'")->type_name("N");
  verb.add_option(
          "--samplers", flags.samplers,
          "names or name:key=value:..., separated by commas; draw: exact draws "
          "(mcgdiff,mcgdiff:variant=A,mcgdiff:kernel=exact,bootstrap,exact-transition,draw; for targets "
          "mala,hmc,draw; for observations with a map guided samplers, mala and draw; for problems with a "
          "denoiser samplers that evaluate it, and draw)")
      ->type_name("LIST");
  verb.add_option("--external", flags.external,
                  "samples made elsewhere, a row NAME: .npy files of shape (count, d); {problem} in PATH "
                  "stands for the problem file's name without .json, or the seed of --seeds, {run} for the "
                  "number of the run, from 0; may be repeated")
      ->type_name("NAME=PATH");
  verb.add_option("--metrics", flags.metrics, "separated by commas: " + metric_list() + " (sw)")
      ->type_name("LIST");
  verb.add_option("--count", flags.count, "samples per problem; SMC gives one per chain (1000)")
      ->type_name("N");
  verb.add_option("--slices", flags.slices, "directions of sw and max-sw (100)")->type_name("N");
  verb.add_option("--repeats", flags.repeats, "sets of exact draws per problem, where a metric needs any (5)")
      ->type_name("N");
  verb.add_option("--seed", flags.seed, "seed of samplers, exact draws and directions (0)")->type_name("S");
  verb.add_option("--runs", flags.runs, "runs of each problem, with seeds S to S + N - 1 (1)")
      ->type_name("N");
  verb.add_option("--results", flags.results,
                  "file of records, one JSON line per run: runs that it holds are not repeated, others are "
                  "appended when they are judged")
      ->type_name("FILE");
  verb.add_option("--device", flags.device,
                  "device of samplers, exact draws and distances: best, reference, cpu[:threads] or "
                  "cuda[:index[,index...]] (best; draws and distances: cpu)")
      ->type_name("DEVICE");
  verb.add_option("--precision", flags.precision, "f32 or f64 (f32)")->type_name("P");
  verb.add_flag("--csv", flags.csv, "print comma-separated values instead of a table");
  verb.add_option("--report", flags.report, "HTML file to write, with the table and pictures")
      ->type_name("FILE");
  add_force(verb, flags.force);
  add_common_flags(verb, flags.common);
}

}  // namespace

Verb add_compare(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "compare", "samplers against the exact law: distance, noise floor, evidence, time");
  auto flags = std::make_shared<CompareFlags>();
  add_compare_flags(*verb, *flags);
  verb->footer(
      "One row per sampler. For each quantity of --metrics (sw_1: sliced W1 between samples and law): "
      "mean over the problems, +- 1.96 standard errors over them; median; floor: its mean for exact "
      "draws; ratio of the means. A problem counts with the mean of its --runs; for one problem the "
      "runs count. log-evidence error: log of the mean evidence of the chains, less the exact one; "
      "sd: standard deviation of the chains' log-evidences. ESS/N: share of the particles that count, "
      "mean over all weightings of the first 20 chains, which run again for it; smallest: the "
      "smallest of a chain, mean over the chains. observed, null: runs whose 90 % credible interval "
      "contains the truth along a direction of that kind, of all runs; ! marks a count that exact "
      "samples do not explain at 1 %. seconds: of the samplers, sum over the runs. A sampler that "
      "fails on a problem has no numbers: its row says why, and the exit code is 1. Runs that end "
      "with particles that are not finite are counted as diverged and left out of the figures; if no "
      "run is left, the sampler failed.\n\n"
      "Example:\n"
      "  gmdiff compare problem.json --count 200 --samplers mcgdiff:particles=64,exact-transition,draw\n"
      "  gmdiff compare --seeds 0:2 --dx 2 --dy 1 --steps 10 --count 50 --samplers "
      "mcgdiff:particles=32,bootstrap:particles=32\n"
      "  gmdiff compare problem.json --samplers ddim,draw --runs 4 --metrics sw,modes --results "
      "study.jsonl\n");
  return {verb, [flags] { run_compare(*flags); }};
}

}  // namespace gmdiff::cli
