#include "cli/target_answer.hpp"

#include <algorithm>

#include <gmdiff/model/importance.hpp>
#include <gmdiff/model/modes.hpp>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/names.hpp"
#include "cli/target_search.hpp"

namespace gmdiff::cli {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

Modes search(const Target& target, const TargetAnswerFlags& flags) {
  constexpr int default_starts = 64, most_starts = 1'000'000;
  constexpr double spread = 3.0;
  const std::int64_t starts =
      flags.starts ? parse_integer("--starts", *flags.starts, 1, most_starts) : default_starts;
  const std::uint64_t seed = parse_seed(flags.seed);
  if (const ObservedMixture* observed = target.observed())
    return modes(target, {.starts = importance(target, observed->prior, starts, seed).points, .draws = 0});
  return modes(target, {.draws = static_cast<int>(starts), .spread = spread, .seed = seed});
}

/// Numbers of starts that reach no maximum.
void add_ends(Json& json, const Modes& found) {
  json["saddles"] = found.saddles;
  json["unfinished"] = found.unfinished;
  json["outside"] = found.outside;
}

Json laplace_json(const Modes& found, const Mixture& law) {
  Json json;
  json["log_normalizer"] = json_number(found.log_normalizer);
  json["mean"] = json_vector(law.mean());
  json["covariance"] = json_points(law.covariance());
  json["maxima"] = Json::array();
  for (const Mode& mode : found.maxima) {
    json["maxima"].push_back({{"x", json_vector(mode.x)},
                              {"log_density", json_number(mode.log_density)},
                              {"log_mass", json_number(mode.log_mass)},
                              {"hessian", json_points(mode.hessian)}});
  }
  add_ends(json, found);
  return json;
}

Json maxima_json(const Modes& found) {
  Json json;
  json["maxima"] = Json::array();
  for (const Mode& mode : found.maxima)
    json["maxima"].push_back({{"x", json_vector(mode.x)}, {"log_density", json_number(mode.log_density)}});
  add_ends(json, found);
  return json;
}

constexpr std::size_t most_maxima = 20;

std::string more_maxima(const Modes& found) {
  const std::size_t more = found.maxima.size() - std::min(most_maxima, found.maxima.size());
  return more > 0 ? concat("... ", more, " more maxima\n") : "";
}

std::string maxima_text(const Modes& found) {
  Table table({"maximum", "log_density", "x"});
  for (std::size_t k = 0; k < std::min(most_maxima, found.maxima.size()); ++k) {
    const Mode& mode = found.maxima[k];
    table.add({std::to_string(k), format_number(mode.log_density), format_vector(mode.x)});
  }
  return concat("maxima          ", found.maxima.size(), "\n\n", table.text(), more_maxima(found));
}

std::string laplace_text(const Modes& found, const Mixture& law) {
  Table table({"maximum", "log_density", "share of the mass", "mean", "standard deviations"});
  for (std::size_t k = 0; k < std::min(most_maxima, found.maxima.size()); ++k) {
    const Mode& mode = found.maxima[k];
    const auto row = static_cast<Index>(k);
    table.add({std::to_string(k), format_number(mode.log_density), format_number(law.weights()(row)),
               format_vector(mode.x), format_vector(deviations(law.component_covariance(row).diagonal()))});
  }
  return concat("maxima          ", found.maxima.size(), "\n", log_normalizer_line(found.log_normalizer, ""),
                "mean            ", format_vector(law.mean()), "\n", "deviations      ",
                format_vector(deviations(law.covariance().diagonal())), "\n\n", table.text(),
                more_maxima(found));
}

/// Points and heights of all maxima.
std::vector<AnswerArray> arrays_of(const Modes& found, Index d) {
  const auto K = static_cast<Index>(found.maxima.size());
  Points x(K, d);
  VectorXd log_density(K);
  for (Index k = 0; k < K; ++k) {
    const Mode& mode = found.maxima[static_cast<std::size_t>(k)];
    x.row(k) = mode.x.transpose();
    log_density(k) = mode.log_density;
  }
  return {{"maxima", {K, d}, x}, vector_array("log_density", log_density)};
}

Json importance_json(const ImportanceResult& result) {
  Json json;
  json["count"] = result.points.rows();
  json["log_normalizer"] = json_number(result.log_normalizer);
  json["log_normalizer_error"] = json_number(result.log_normalizer_error);
  json["mean"] = json_vector(result.mean);
  json["mean_error"] = json_vector(result.mean_error);
  json["second_moment"] = json_vector(result.second_moment);
  json["second_moment_error"] = json_vector(result.second_moment_error);
  json["ess"] = json_number(result.ess);
  json["largest_weight"] = json_number(result.largest_weight);
  return json;
}

std::string importance_text(const ImportanceResult& result, const std::string& proposal) {
  const VectorXd deviation = deviations(result.second_moment - result.mean.cwiseAbs2());
  constexpr Index most_rows = 20;
  const Index rows = std::min(most_rows, deviation.size());
  Table table({"coordinate", "mean", "standard error", "standard deviation"});
  for (Index j = 0; j < rows; ++j) {
    table.add({std::to_string(j), format_number(result.mean(j)), format_number(result.mean_error(j), 2),
               format_number(deviation(j))});
  }
  return concat(
      "draws           ", result.points.rows(), " of ", proposal, "\n",
      log_normalizer_line(result.log_normalizer,
                          ", standard error " + format_number(result.log_normalizer_error, 2)),
      "effective draws ", format_number(result.ess), ", largest weight ",
      format_number(result.largest_weight, 2), "\n\n", table.text(),
      rows < deviation.size() ? concat("... ", deviation.size() - rows, " more coordinates\n") : "");
}

std::vector<std::string> importance_warnings(const ImportanceResult& result) {
  constexpr double few = 100.0;
  if (result.ess >= std::min(few, 0.5 * static_cast<double>(result.points.rows()))) return {};
  return {concat("the effective sample size is only ", format_number(result.ess, 3),
                 ": estimates and errors are not reliable")};
}

}  // namespace

std::vector<std::string> search_warnings(const Modes& found) {
  std::vector<std::string> warnings;
  const std::pair<int, const char*> ends[] = {{found.saddles, "at a saddle or on a plateau"},
                                              {found.unfinished, "without convergence"},
                                              {found.outside, "outside the support"}};
  for (const auto& [count, where] : ends) {
    if (count > 0)
      warnings.push_back(
          concat(count, count == 1 ? " start" : " starts", " of the search for maxima ended ", where));
  }
  return warnings;
}

Modes search_some(const Target& target, const TargetAnswerFlags& flags) {
  Modes found = search(target, flags);
  require(!found.maxima.empty(), "no maximum of the density was found; --starts sets the number of starts");
  return found;
}

void require_smooth(const Target& target, const std::string& method) {
  const Regularised* const of = target.regularised();
  require(
      of == nullptr || of->prior.smoothing != Smoothing::none, "--method ", method,
      ": a prior without smoothing has no Laplace approximation at its maxima; --method maxima lists them, "
      "and the smoothings pseudo-huber and huber have one");
}

TargetAnswer answer_by_maxima(const Target& target, const TargetAnswerFlags& flags) {
  const Modes found = search_some(target, flags);
  return {.json = maxima_json(found),
          .text = maxima_text(found),
          .arrays = arrays_of(found, target.dim()),
          .warnings = search_warnings(found)};
}

TargetAnswer answer_by_laplace(const Target& target, const TargetAnswerFlags& flags) {
  require_smooth(target, "laplace");
  const Modes found = search_some(target, flags);
  const Mixture law = laplace_mixture(found);
  TargetAnswer answer{
      .json = laplace_json(found, law), .text = laplace_text(found, law), .warnings = search_warnings(found)};
  VectorXd log_mass(static_cast<Index>(found.maxima.size()));
  for (Index k = 0; k < log_mass.size(); ++k)
    log_mass(k) = found.maxima[static_cast<std::size_t>(k)].log_mass;
  answer.arrays = arrays_of(found, target.dim());
  answer.arrays.push_back(vector_array("log_mass", log_mass));
  return answer;
}

namespace {

/// A proposal and its description.
struct Proposal {
  Mixture law;
  std::string text;
};

Proposal laplace_proposal(const Target& target, const TargetAnswerFlags& flags) {
  constexpr double default_scale = 2.0;
  const double scale = flags.scale ? parse_number("--scale", *flags.scale) : default_scale;
  require(scale > 0.0, "--scale: expected a positive number, got ", scale);
  require_smooth(target, "importance");
  const Modes found = search_some(target, flags);
  const std::size_t maxima = found.maxima.size();
  return {laplace_mixture(found, scale),
          concat("Laplace's approximation, ", maxima, maxima == 1 ? " component" : " components")};
}

Proposal proposal_of(const Target& target, const TargetAnswerFlags& flags) {
  const std::string name = flags.proposal.value_or("laplace");
  if (name == "laplace") return laplace_proposal(target, flags);
  require(name == "prior", "--proposal: ", unknown_name("proposal", name, {"laplace", "prior"}));
  require(target.observed() != nullptr, "--proposal prior: the target has no prior");
  require(!flags.scale && !flags.starts,
          "--proposal prior: --scale and --starts belong to the proposal laplace");
  return {target.observed()->prior, "the prior"};
}

}  // namespace

TargetAnswer answer_by_importance(const Target& target, const TargetAnswerFlags& flags) {
  constexpr std::int64_t default_count = 10'000, most_draws = 1'000'000'000;
  const std::int64_t count =
      flags.count ? parse_integer("--count", *flags.count, 1, most_draws) : default_count;
  require_memory(saturating_product(static_cast<std::uint64_t>(count),
                                    4U * static_cast<std::uint64_t>(target.dim() + 2), sizeof(double)),
                 count, " draws");
  const Proposal proposal = proposal_of(target, flags);
  const ImportanceResult result = importance(target, proposal.law, count, parse_seed(flags.seed));
  return {.json = importance_json(result),
          .text = importance_text(result, proposal.text),
          .arrays = {{"points", {result.points.rows(), result.points.cols()}, result.points},
                     vector_array("weights", result.weights)},
          .warnings = importance_warnings(result)};
}

}  // namespace gmdiff::cli
