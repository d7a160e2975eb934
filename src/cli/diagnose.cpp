#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/verb.hpp"
#include "io/npy_header.hpp"
#include "io/sidecar.hpp"
#include "study/array_reader.hpp"
#include "study/diagnosis.hpp"
#include "study/record.hpp"

namespace gmdiff::cli {
namespace {

struct DiagnoseFlags {
  std::string file;
  std::string problem;
  std::vector<std::string> estimates;
  CommonFlags common;
  bool prior = false;
};

/// The draws of a file of shape (chains, draws, d) or (chains, draws).
study::ChainDraws read_chains(const std::string& file) {
  study::ArrayReader reader(file, "samples");
  const std::vector<std::int64_t>& shape = reader.shape();
  require(shape.size() == 2 || shape.size() == 3, file, ": expected draws of shape (chains, draws, d) or ",
          "(chains, draws), got ", io::shape_text(shape));
  const std::int64_t chains = shape[0], draws = shape[1], dim = shape.size() == 3 ? shape[2] : 1;
  require(chains >= 1 && draws >= 4 && dim >= 1, file,
          ": expected one chain or more of 4 draws or more, got ", io::shape_text(shape));
  Points all(chains * draws, dim);
  reader.read({all.data(), static_cast<std::size_t>(all.size())});
  return {std::move(all), chains};
}

/// Time of the run that a file of draws comes from; none without its sidecar.
std::optional<double> seconds_of(const std::string& file) {
  if (!std::filesystem::exists(io::sidecar_path(file))) return {};
  const double seconds = study::read_sidecar(file).seconds;
  if (!(seconds > 0.0)) return {};
  return seconds;
}

Json figures(const ChainDiagnostics& d, const std::optional<double>& seconds) {
  Json row;
  row["mean"] = json_number(d.mean);
  row["sd"] = json_number(d.sd);
  row["mcse"] = json_number(d.mcse);
  row["rhat"] = json_number(d.rhat);
  row["rhat_split"] = json_number(d.rhat_split);
  row["ess_bulk"] = json_number(d.ess_bulk);
  row["ess_tail"] = json_number(d.ess_tail);
  row["ess_mean"] = json_number(d.ess_mean);
  if (seconds) row["ess_bulk_per_second"] = json_number(d.ess_bulk / *seconds);
  return row;
}

Json diagnose_json(const DiagnoseFlags& flags, const study::ChainDraws& chains, const std::optional<Law>& law,
                   const study::Diagnosis& found, const std::optional<double>& seconds) {
  Json json;
  json["file"] = flags.file;
  json["chains"] = chains.chains();
  json["draws"] = chains.draws();
  json["coordinates"] = Json::array();
  for (const study::DiagnosedQuantity& coordinate : found.coordinates)
    json["coordinates"].push_back(figures(coordinate.diagnostics, seconds));
  if (!found.estimates.empty()) {
    json["estimates"] = Json::array();
    for (const study::DiagnosedQuantity& estimate : found.estimates) {
      Json row = figures(estimate.diagnostics, seconds);
      row["estimate"] = estimate.name;
      json["estimates"].push_back(row);
    }
  }
  if (found.modes) {
    json["law"] = law->name;
    json["weights"] = json_vector(law->mixture.weights());
    json["share_of_draws"] = json_vector(found.modes->draws);
    json["share_of_chains"] = json_vector(found.modes->chains);
  }
  json["warnings"] = found.warnings;
  return json;
}

std::string table_of(const std::string& kind, const std::vector<study::DiagnosedQuantity>& quantities,
                     const std::optional<double>& seconds) {
  std::vector<std::string> header{kind, "mean", "sd", "mcse", "R-hat", "ESS bulk", "ESS tail", "ESS mean"};
  if (seconds) header.emplace_back("ESS bulk/s");
  Table table(header);
  for (const study::DiagnosedQuantity& quantity : quantities) {
    const ChainDiagnostics& d = quantity.diagnostics;
    std::vector<std::string> row{quantity.name,
                                 format_number(d.mean),
                                 format_number(d.sd),
                                 format_number(d.mcse, 3),
                                 format_number(d.rhat, 4),
                                 format_number(d.ess_bulk, 4),
                                 format_number(d.ess_tail, 4),
                                 format_number(d.ess_mean, 4)};
    if (seconds) row.push_back(format_number(d.ess_bulk / *seconds, 3));
    table.add(row);
  }
  return table.text();
}

std::string diagnose_text(const DiagnoseFlags& flags, const study::ChainDraws& chains,
                          const std::optional<Law>& law, const study::Diagnosis& found,
                          const std::optional<double>& seconds) {
  std::string text =
      concat(flags.file, ": ", chains.chains(), chains.chains() == 1 ? " chain" : " chains", " of ",
             chains.draws(), " draws\n\n", table_of("coordinate", found.coordinates, seconds));
  if (!found.estimates.empty()) text += concat("\n", table_of("estimate", found.estimates, seconds));
  if (!found.modes) return text;
  const study::ModeShares& modes = *found.modes;
  Table shares({"component", "weight", "share of draws", "share of chains"});
  for (Eigen::Index k = 0; k < modes.draws.size(); ++k) {
    shares.add({std::to_string(k), format_number(law->mixture.weights()(k)), format_number(modes.draws(k)),
                format_number(modes.chains(k))});
  }
  return concat(text, "\nmodes of the ", law->name, ", by the largest responsibility\n\n", shares.text());
}

void run_diagnose(const DiagnoseFlags& flags) {
  require(!flags.prior || !flags.problem.empty(), "--prior belongs to a PROBLEM");
  const study::ChainDraws chains = read_chains(flags.file);
  std::optional<Law> law;
  if (!flags.problem.empty()) law = law_of(load_problem(flags.problem), flags.prior);
  const study::Diagnosis found = diagnose(chains, flags.estimates, law ? &law->mixture : nullptr,
                                          {.draws = flags.file, .estimate = "--estimate"});
  const std::optional<double> seconds = seconds_of(flags.file);
  print_remarks(found.warnings, {}, flags.common.quiet);
  print(flags.common.json ? json_text(diagnose_json(flags, chains, law, found, seconds))
                          : diagnose_text(flags, chains, law, found, seconds));
}

}  // namespace

Verb add_diagnose(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "diagnose", "convergence of Markov chains: R-hat, effective sample sizes, modes");
  auto flags = std::make_shared<DiagnoseFlags>();
  verb->add_option("FILE", flags->file,
                   ".npy file of draws, shape (chains, draws, d) or (chains, draws), or .npz file of sample "
                   "with such samples")
      ->required()
      ->type_name("");
  verb->add_option("PROBLEM", flags->problem, "problem file, for the shares of its law's modes")
      ->type_name("");
  verb->add_flag("--prior", flags->prior, "the prior's modes, although the problem has an observation");
  verb->add_option("--estimate", flags->estimates,
                   "a function of x1, x2, ... (x if d is 1), such as \"x1^2\": its mean, with the error of "
                   "the mean; may be repeated")
      ->type_name("TEXT")
      ->take_all();
  add_common_flags(*verb, flags->common);
  set_examples(*verb,
               "  gmdiff diagnose trace.npy problem.json\n"
               "  gmdiff diagnose trace.npy --estimate x1^2\n");
  return {verb, [flags] { run_diagnose(*flags); }};
}

}  // namespace gmdiff::cli
