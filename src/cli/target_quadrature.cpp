#include "cli/target_answer.hpp"

#include <gmdiff/model/quadrature.hpp>

#include "base/check.hpp"

namespace gmdiff::cli {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

QuadratureBox parse_box(const FlagText& text, Index d) {
  if (!text) return {};
  const std::vector<double> sides = parse_numbers("--box", *text);
  require(sides.size() == 2 * static_cast<std::size_t>(d), "--box ", *text, ": expected ", 2 * d,
          " numbers, lower and upper side of each coordinate");
  const auto pairs = Eigen::Map<const Points>(sides.data(), d, 2);
  return {.lower = pairs.col(0), .upper = pairs.col(1)};
}

std::vector<std::string> quadrature_warnings(const Quadrature& result, bool given_box) {
  std::vector<std::string> warnings;
  constexpr double coarse = 1e-3, cut_off = 1e-8;
  if (!(result.error.log_normalizer <= coarse))
    warnings.push_back(concat("the density is too narrow for the grid: with half of the points the log ",
                              "normalizer differs by ", format_number(result.error.log_normalizer)));
  if (given_box && result.edge_mass > cut_off)
    warnings.push_back(concat("the box may be too small: the share ", format_number(result.edge_mass),
                              " of the mass is within 1 % of its sides"));
  return warnings;
}

Json quadrature_json(const Quadrature& result) {
  Json json;
  json["log_normalizer"] = json_number(result.log_normalizer);
  json["log_normalizer_error"] = json_number(result.error.log_normalizer);
  json["mean"] = json_vector(result.mean);
  json["mean_error"] = json_vector(result.error.mean);
  json["covariance"] = json_points(result.covariance);
  json["covariance_error"] = json_points(result.error.covariance);
  json["box"] = {{"lower", json_vector(result.box.lower)}, {"upper", json_vector(result.box.upper)}};
  json["points"] = result.marginals.front().points.size();
  json["edge_mass"] = json_number(result.edge_mass);
  return json;
}

std::string quadrature_text(const Quadrature& result) {
  const VectorXd deviation = deviations(result.covariance.diagonal());
  Table table({"coordinate", "mean", "error", "standard deviation", "error", "box"});
  for (Index j = 0; j < deviation.size(); ++j) {
    table.add({std::to_string(j), format_number(result.mean(j)), format_number(result.error.mean(j), 2),
               format_number(deviation(j)),
               format_number(result.error.covariance(j, j) / (2.0 * deviation(j)), 2),
               concat(format_number(result.box.lower(j)), " to ", format_number(result.box.upper(j)))});
  }
  return concat(
      "points          ", result.marginals.front().points.size(), " on each axis\n",
      log_normalizer_line(result.log_normalizer, ", error " + format_number(result.error.log_normalizer, 2)),
      "\n", table.text());
}

}  // namespace

TargetAnswer answer_by_quadrature(const Target& target, const TargetAnswerFlags& flags) {
  const Quadrature result = quadrature(target, parse_box(flags.box, target.dim()));
  TargetAnswer answer{.json = quadrature_json(result),
                      .text = quadrature_text(result),
                      .warnings = quadrature_warnings(result, flags.box.has_value())};
  for (std::size_t j = 0; j < result.marginals.size(); ++j) {
    const std::string number = std::to_string(j + 1);
    answer.arrays.push_back(vector_array("x" + number, result.marginals[j].points));
    answer.arrays.push_back(vector_array("density" + number, result.marginals[j].density));
  }
  return answer;
}

}  // namespace gmdiff::cli
