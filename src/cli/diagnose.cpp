#include <algorithm>
#include <memory>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/problem_source.hpp"
#include "cli/verb.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::cli {
namespace {

// The limits of Vehtari et al. (2021).
constexpr double largest_rhat = 1.01;
constexpr double least_ess = 400.0;

struct DiagnoseFlags {
  std::string file;
  std::string problem;
  CommonFlags common;
  bool prior = false;
};

/// The draws of several chains.
class Chains {
 public:
  explicit Chains(const std::string& file) : file_(file), reader_(file) {
    const std::vector<std::int64_t>& shape = reader_.shape();
    require(shape.size() == 2 || shape.size() == 3, file, ": expected draws of shape (chains, draws, d) or ",
            "(chains, draws), got ", io::shape_text(shape));
    chains_ = shape[0];
    draws_ = shape[1];
    dim_ = shape.size() == 3 ? shape[2] : 1;
    require(chains_ >= 1 && draws_ >= 4 && dim_ >= 1, file,
            ": expected one chain or more of 4 draws or more, got ", io::shape_text(shape));
    all_.resize(chains_ * draws_, dim_);
    reader_.read(0, {all_.data(), static_cast<std::size_t>(all_.size())});
  }

  std::int64_t chains() const { return chains_; }
  std::int64_t draws() const { return draws_; }
  std::int64_t dim() const { return dim_; }

  /// Draws of a coordinate, a column for each chain.
  Eigen::MatrixXd coordinate(Eigen::Index j) const {
    const Eigen::VectorXd values = all_.col(j);
    return Eigen::Map<const Eigen::MatrixXd>(values.data(), draws_, chains_);
  }
  /// All draws, chain by chain.
  const Points& all() const { return all_; }
  /// Last draw of each chain.
  Points last() const {
    Points points(chains_, dim_);
    for (std::int64_t c = 0; c < chains_; ++c) points.row(c) = all_.row((c + 1) * draws_ - 1);
    return points;
  }

 private:
  std::string file_;
  NpyReader reader_;
  std::int64_t chains_ = 0, draws_ = 0, dim_ = 0;
  Points all_;
};

/// Shares of the modes, which no diagnostic of the chains alone can see: a mode that no chain visits leaves
/// R-hat at 1.
struct Modes {
  Law law;
  Eigen::VectorXd draws, chains;  ///< shares of draws, and of the chains by their last draws
};

std::optional<Modes> modes_of(const DiagnoseFlags& flags, const Chains& chains) {
  if (flags.problem.empty()) return {};
  const Law law = law_of(load_problem(flags.problem), flags.prior);
  require(law.mixture.dim() == chains.dim(), flags.file, ": its draws have dimension ", chains.dim(),
          ", those of the law ", law.mixture.dim());
  return Modes{law, mode_frequencies(chains.all(), law.mixture).frequencies,
               mode_frequencies(chains.last(), law.mixture).frequencies};
}

std::vector<std::string> doubts(const std::vector<ChainDiagnostics>& diagnostics) {
  std::vector<std::string> warnings;
  for (std::size_t j = 0; j < diagnostics.size(); ++j) {
    const double rhat = diagnostics[j].rhat;
    const double ess = std::min(diagnostics[j].ess_bulk, diagnostics[j].ess_tail);
    if (!(rhat <= largest_rhat))
      warnings.push_back(concat("coordinate ", j, ": R-hat is ", format_number(rhat, 4), ", above ",
                                largest_rhat, ", so the chains have not mixed"));
    if (!(ess >= least_ess))
      warnings.push_back(concat("coordinate ", j, ": effective sample size ", format_number(ess, 4),
                                ", below ", least_ess, ", so the figures themselves are uncertain"));
  }
  return warnings;
}

Json diagnose_json(const DiagnoseFlags& flags, const Chains& chains,
                   const std::vector<ChainDiagnostics>& diagnostics, const std::optional<Modes>& modes,
                   const std::vector<std::string>& warnings) {
  Json json;
  json["file"] = flags.file;
  json["chains"] = chains.chains();
  json["draws"] = chains.draws();
  json["coordinates"] = Json::array();
  for (const ChainDiagnostics& d : diagnostics) {
    Json row;
    row["mean"] = json_number(d.mean);
    row["sd"] = json_number(d.sd);
    row["mcse"] = json_number(d.mcse);
    row["rhat"] = json_number(d.rhat);
    row["rhat_split"] = json_number(d.rhat_split);
    row["ess_bulk"] = json_number(d.ess_bulk);
    row["ess_tail"] = json_number(d.ess_tail);
    row["ess_mean"] = json_number(d.ess_mean);
    json["coordinates"].push_back(row);
  }
  if (modes) {
    json["law"] = modes->law.name;
    json["weights"] = json_vector(modes->law.mixture.weights());
    json["share_of_draws"] = json_vector(modes->draws);
    json["share_of_chains"] = json_vector(modes->chains);
  }
  json["warnings"] = warnings;
  return json;
}

std::string diagnose_text(const DiagnoseFlags& flags, const Chains& chains,
                          const std::vector<ChainDiagnostics>& diagnostics,
                          const std::optional<Modes>& modes) {
  Table table({"coordinate", "mean", "sd", "mcse", "R-hat", "ESS bulk", "ESS tail", "ESS mean"});
  for (std::size_t j = 0; j < diagnostics.size(); ++j) {
    const ChainDiagnostics& d = diagnostics[j];
    table.add({std::to_string(j), format_number(d.mean), format_number(d.sd), format_number(d.mcse, 3),
               format_number(d.rhat, 4), format_number(d.ess_bulk, 4), format_number(d.ess_tail, 4),
               format_number(d.ess_mean, 4)});
  }
  std::string text = concat(flags.file, ": ", chains.chains(), chains.chains() == 1 ? " chain" : " chains",
                            " of ", chains.draws(), " draws\n\n", table.text());
  if (!modes) return text;
  Table shares({"component", "weight", "share of draws", "share of chains"});
  for (Eigen::Index k = 0; k < modes->draws.size(); ++k) {
    shares.add({std::to_string(k), format_number(modes->law.mixture.weights()(k)),
                format_number(modes->draws(k)), format_number(modes->chains(k))});
  }
  return concat(text, "\nmodes of the ", modes->law.name, ", by the largest responsibility\n\n",
                shares.text());
}

void run_diagnose(const DiagnoseFlags& flags) {
  require(!flags.prior || !flags.problem.empty(), "--prior belongs to a PROBLEM");
  const Chains chains(flags.file);
  std::vector<ChainDiagnostics> diagnostics;
  for (Eigen::Index j = 0; j < chains.dim(); ++j)
    diagnostics.push_back(chain_diagnostics(chains.coordinate(j)));
  const std::optional<Modes> modes = modes_of(flags, chains);
  const std::vector<std::string> warnings = doubts(diagnostics);
  print_remarks(warnings, {}, flags.common.quiet);
  print(flags.common.json ? json_text(diagnose_json(flags, chains, diagnostics, modes, warnings))
                          : diagnose_text(flags, chains, diagnostics, modes));
}

}  // namespace

Verb add_diagnose(CLI::App& command) {
  CLI::App* verb = command.add_subcommand(
      "diagnose", "convergence of Markov chains: R-hat, effective sample sizes, modes");
  auto flags = std::make_shared<DiagnoseFlags>();
  verb->add_option("FILE", flags->file, ".npy file of draws, shape (chains, draws, d) or (chains, draws)")
      ->required()
      ->type_name("");
  verb->add_option("PROBLEM", flags->problem, "problem file, for the shares of its law's modes")
      ->type_name("");
  verb->add_flag("--prior", flags->prior, "the prior's modes, although the problem has an observation");
  add_common_flags(*verb, flags->common);
  set_examples(*verb, "  gmdiff diagnose trace.npy problem.json\n");
  return {verb, [flags] { run_diagnose(*flags); }};
}

}  // namespace gmdiff::cli
