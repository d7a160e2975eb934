#include <gmdiff/model/gaussian_fit.hpp>

#include <algorithm>

#include "base/check.hpp"
#include "cli/target_search.hpp"

// The method gaussian of the verb posterior (mathematics.md §15.5).

namespace gmdiff::cli {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

GaussianFitOptions options_of(const TargetAnswerFlags& flags, Index d) {
  constexpr std::int64_t most_draws = 1'000'000;
  GaussianFitOptions options{.seed = parse_seed(flags.seed)};
  if (!flags.count) {
    // Four draws for each coordinate are needed.
    options.draws = std::max(options.draws, static_cast<int>(8 * d));
    return options;
  }
  require(d > 2,
          "--count has no effect on the method gaussian in dimension 1 and 2, where Gauss-Hermite's "
          "rule replaces draws");
  options.draws = static_cast<int>(parse_integer("--count", *flags.count, 4 * d, most_draws));
  require(options.draws % 2 == 0,
          "--count: the method gaussian has pairs of draws; expected an even number, ", "got ",
          options.draws);
  return options;
}

std::string rule_text(const GaussianFitOptions& options, Index d) {
  if (d <= 2) return "Gauss-Hermite, 64 points on each axis";
  return concat(options.draws, " draws");
}

Json json_of(const Target& target, const GaussianFit& fit, std::size_t starts) {
  Json json;
  json["starts"] = starts;
  json["elbo"] = json_number(fit.elbo);
  json["elbo_error"] = json_number(fit.elbo_error);
  const std::optional<double> log_z = target.log_normalizer();
  json["kl"] = log_z ? json_number(*log_z - fit.elbo) : Json(nullptr);
  json["mean"] = json_vector(fit.mean);
  json["covariance"] = json_points(fit.covariance);
  json["slope"] = json_number(fit.slope);
  return json;
}

std::string text_of(const GaussianFit& fit, const std::string& rule, std::size_t starts) {
  constexpr Index most_rows = 20;
  const VectorXd deviation = deviations(fit.covariance.diagonal());
  const Index rows = std::min(most_rows, deviation.size());
  Table table({"coordinate", "mean", "standard deviation"});
  for (Index j = 0; j < rows; ++j)
    table.add({std::to_string(j), format_number(fit.mean(j)), format_number(deviation(j))});
  return concat(
      "rule            ", rule, "\n", "starts          ", starts, "\n", "ELBO            ",
      format_number(fit.elbo, 10),
      fit.elbo_error > 0.0 ? ", standard error " + format_number(fit.elbo_error, 2) : "",
      ", at most the log normalizer\n\n", table.text(),
      rows < deviation.size() ? concat("... ", deviation.size() - rows, " more coordinates\n") : "");
}

}  // namespace

TargetAnswer answer_by_gaussian(const Target& target, const TargetAnswerFlags& flags) {
  constexpr double largest_slope = 1e-3;
  require_smooth(target, "gaussian");
  const GaussianFitOptions options = options_of(flags, target.dim());
  const Modes maxima = search_some(target, flags);
  const GaussianFit fit = gaussian_fit(target, laplace_mixture(maxima), options);
  const std::size_t starts = maxima.maxima.size();
  TargetAnswer answer{.json = json_of(target, fit, starts),
                      .text = text_of(fit, rule_text(options, target.dim()), starts),
                      .arrays = {vector_array("mean", fit.mean),
                                 {"covariance", {target.dim(), target.dim()}, fit.covariance}},
                      .warnings = search_warnings(maxima)};
  if (fit.slope > largest_slope)
    answer.warnings.push_back(concat("the search for the largest ELBO ended where its slope is ",
                                     format_number(fit.slope, 2), ", before a maximum"));
  return answer;
}

}  // namespace gmdiff::cli
