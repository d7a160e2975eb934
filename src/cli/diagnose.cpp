#include <algorithm>
#include <cmath>
#include <memory>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/metrics/chain_diagnostics.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/expression.hpp>

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
  std::vector<std::string> estimates;
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

  /// Values of all draws, chain by chain, as a column for each chain.
  Eigen::MatrixXd columns(const Eigen::VectorXd& values) const {
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

/// A coordinate, by its number, or an observable, by its text.
struct Quantity {
  std::string name;
  ChainDiagnostics diagnostics;
};

std::vector<Quantity> coordinates_of(const Chains& chains) {
  std::vector<Quantity> quantities;
  quantities.reserve(static_cast<std::size_t>(chains.dim()));
  for (Eigen::Index j = 0; j < chains.dim(); ++j)
    quantities.push_back({std::to_string(j), chain_diagnostics(chains.columns(chains.all().col(j)))});
  return quantities;
}

/// Values of an observable at all draws. @throws std::invalid_argument naming the first draw without one.
Eigen::VectorXd values_of(const std::string& text, const Chains& chains) {
  const Expression observable(text, {.dim = static_cast<int>(chains.dim())});
  const Eigen::VectorXd values = observable.value(chains.all());
  for (Eigen::Index i = 0; i < values.size(); ++i) {
    require(std::isfinite(values(i)), "--estimate ", text, ": it is ", values(i), " at draw ",
            i % chains.draws(), " of chain ", i / chains.draws(), ", expected a finite number");
  }
  return values;
}

std::vector<Quantity> estimates_of(const std::vector<std::string>& texts, const Chains& chains) {
  std::vector<Quantity> quantities;
  quantities.reserve(texts.size());
  for (const std::string& text : texts)
    quantities.push_back({text, chain_diagnostics(chains.columns(values_of(text, chains)))});
  return quantities;
}

void add_doubts(std::vector<std::string>& warnings, const std::string& kind,
                const std::vector<Quantity>& quantities) {
  for (const Quantity& quantity : quantities) {
    const double rhat = quantity.diagnostics.rhat;
    const double ess = std::min(quantity.diagnostics.ess_bulk, quantity.diagnostics.ess_tail);
    if (!(rhat <= largest_rhat))
      warnings.push_back(concat(kind, " ", quantity.name, ": R-hat is ", format_number(rhat, 4), ", above ",
                                largest_rhat, ", so the chains have not mixed"));
    if (!(ess >= least_ess))
      warnings.push_back(concat(kind, " ", quantity.name, ": effective sample size ", format_number(ess, 4),
                                ", below ", least_ess, ", so the figures themselves are uncertain"));
  }
}

Json figures(const ChainDiagnostics& d) {
  Json row;
  row["mean"] = json_number(d.mean);
  row["sd"] = json_number(d.sd);
  row["mcse"] = json_number(d.mcse);
  row["rhat"] = json_number(d.rhat);
  row["rhat_split"] = json_number(d.rhat_split);
  row["ess_bulk"] = json_number(d.ess_bulk);
  row["ess_tail"] = json_number(d.ess_tail);
  row["ess_mean"] = json_number(d.ess_mean);
  return row;
}

/// Results of the verb.
struct Findings {
  std::vector<Quantity> coordinates, estimates;
  std::optional<Modes> modes;
  std::vector<std::string> warnings;
};

Json diagnose_json(const DiagnoseFlags& flags, const Chains& chains, const Findings& found) {
  Json json;
  json["file"] = flags.file;
  json["chains"] = chains.chains();
  json["draws"] = chains.draws();
  json["coordinates"] = Json::array();
  for (const Quantity& coordinate : found.coordinates)
    json["coordinates"].push_back(figures(coordinate.diagnostics));
  if (!found.estimates.empty()) {
    json["estimates"] = Json::array();
    for (const Quantity& estimate : found.estimates) {
      Json row = figures(estimate.diagnostics);
      row["estimate"] = estimate.name;
      json["estimates"].push_back(row);
    }
  }
  if (found.modes) {
    json["law"] = found.modes->law.name;
    json["weights"] = json_vector(found.modes->law.mixture.weights());
    json["share_of_draws"] = json_vector(found.modes->draws);
    json["share_of_chains"] = json_vector(found.modes->chains);
  }
  json["warnings"] = found.warnings;
  return json;
}

std::string table_of(const std::string& kind, const std::vector<Quantity>& quantities) {
  Table table({kind, "mean", "sd", "mcse", "R-hat", "ESS bulk", "ESS tail", "ESS mean"});
  for (const Quantity& quantity : quantities) {
    const ChainDiagnostics& d = quantity.diagnostics;
    table.add({quantity.name, format_number(d.mean), format_number(d.sd), format_number(d.mcse, 3),
               format_number(d.rhat, 4), format_number(d.ess_bulk, 4), format_number(d.ess_tail, 4),
               format_number(d.ess_mean, 4)});
  }
  return table.text();
}

std::string diagnose_text(const DiagnoseFlags& flags, const Chains& chains, const Findings& found) {
  std::string text = concat(flags.file, ": ", chains.chains(), chains.chains() == 1 ? " chain" : " chains",
                            " of ", chains.draws(), " draws\n\n", table_of("coordinate", found.coordinates));
  if (!found.estimates.empty()) text += concat("\n", table_of("estimate", found.estimates));
  if (!found.modes) return text;
  const Modes& modes = *found.modes;
  Table shares({"component", "weight", "share of draws", "share of chains"});
  for (Eigen::Index k = 0; k < modes.draws.size(); ++k) {
    shares.add({std::to_string(k), format_number(modes.law.mixture.weights()(k)),
                format_number(modes.draws(k)), format_number(modes.chains(k))});
  }
  return concat(text, "\nmodes of the ", modes.law.name, ", by the largest responsibility\n\n",
                shares.text());
}

void run_diagnose(const DiagnoseFlags& flags) {
  require(!flags.prior || !flags.problem.empty(), "--prior belongs to a PROBLEM");
  const Chains chains(flags.file);
  Findings found{.coordinates = coordinates_of(chains),
                 .estimates = estimates_of(flags.estimates, chains),
                 .modes = modes_of(flags, chains),
                 .warnings = {}};
  add_doubts(found.warnings, "coordinate", found.coordinates);
  add_doubts(found.warnings, "estimate", found.estimates);
  print_remarks(found.warnings, {}, flags.common.quiet);
  print(flags.common.json ? json_text(diagnose_json(flags, chains, found))
                          : diagnose_text(flags, chains, found));
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
