#include "cli/report.hpp"

#include <algorithm>
#include <numeric>

#include "base/check.hpp"
#include "device/chain_remarks.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::cli {
namespace {

/// The standard deviation of log-evidence over the chains; empty for a single chain.
std::string sd_text(const study::SmcRecord& smc) {
  if (smc.chains.log_evidence.size() < 2) return "";
  return concat(", sd over chains ", format_number(log_evidence_sd(smc.chains.log_evidence), 3));
}

/// Mean and smallest acceptance of the chains, and their proposals that were not finite.
std::string acceptance_text(const Acceptance& acceptance) {
  const Eigen::Map<const Eigen::VectorXd> p(acceptance.probability.data(),
                                            std::ssize(acceptance.probability));
  std::string text =
      concat("mean ", format_number(p.mean(), 3), ", smallest ", format_number(p.minCoeff(), 3));
  const std::int64_t bad =
      std::accumulate(acceptance.non_finite.begin(), acceptance.non_finite.end(), std::int64_t{0});
  if (bad > 0) text += concat("; ", bad, " proposals not finite");
  return text;
}

/// Smallest, median and largest of the steps that the chains adapted.
std::string steps_text(std::vector<double> steps) {
  std::ranges::sort(steps);
  return concat("smallest ", format_number(steps.front(), 3), ", median ",
                format_number(steps[steps.size() / 2], 3), ", largest ", format_number(steps.back(), 3));
}

/// The first numbers of a list, where one that is not finite is a text.
std::string numbers_text(const Json& list) {
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, list.size()); ++i) {
    if (i > 0) text += " ";
    text += list[i].is_number() ? format_number(list[i].get<double>()) : list[i].get<std::string>();
  }
  return text + (list.size() > most ? " ..." : "");
}

/// "x1 1.498 +- 0.001, x2 ..."
std::string estimates_text(const Json& estimates) {
  constexpr std::size_t most = 4;
  const auto number = [](const Json& value, int digits) {
    return value.is_number() ? format_number(value.get<double>(), digits) : value.get<std::string>();
  };
  std::string text;
  for (std::size_t i = 0; i < std::min(most, estimates.size()); ++i) {
    const Json& row = estimates[i];
    text += concat(i > 0 ? ", " : "", row.at("estimate").get<std::string>(), " ", number(row.at("mean"), 6));
    if (row.at("mcse").is_number()) text += " +- " + number(row.at("mcse"), 3);
  }
  return text + (estimates.size() > most ? " ..." : "");
}

/// "log Z -0.31 +- 0.02, ELBO -0.5 +- 0.01, ESS/n 0.4"
std::string weights_text(const Json& weights) {
  const auto number = [&](const char* key) {
    const Json& value = weights.at(key);
    return value.is_number() ? format_number(value.get<double>(), 4) : value.get<std::string>();
  };
  return concat("log Z ", number("log_z"), " +- ", number("log_z_error"), ", ELBO ", number("elbo"), " +- ",
                number("elbo_error"), ", ESS/n ", number("ess"));
}

/// The description `json` of a grid, process or sampler on one line.
std::string one_line(const Json& json) {
  return json.is_null() ? "-" : json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool has_steps(const study::RunRecord& record) { return record.verb != "draw"; }

/// Particle-steps per second; for a draw, which has no steps, particles per second.
double speed(const study::RunRecord& record) {
  const double done =
      has_steps(record) ? record.particle_steps : static_cast<double>(record.end - record.first);
  return record.seconds > 0.0 ? done / record.seconds : 0.0;
}

std::string speed_text(const study::RunRecord& record) {
  return format_number(speed(record), 3) + (has_steps(record) ? " particle-steps/s" : " particles/s");
}

}  // namespace

Json result_json(const study::RunRecord& record, const std::filesystem::path& file) {
  Json json;
  json["file"] = file.string();
  json.update(sidecar_json(record));
  json[has_steps(record) ? "particle_steps_per_second" : "particles_per_second"] = json_number(speed(record));
  return json;
}

std::string result_text(const study::RunRecord& record, const std::filesystem::path& file) {
  Table table;
  table.add({"file", file.string()});
  table.add(
      {"shape", io::shape_text(record.shape) + ", " + (record.precision == "f32" ? "float32" : "float64")});
  table.add({"law", record.law + " of " + record.problem});
  if (!record.sampler.is_null()) table.add({"sampler", one_line(record.sampler)});
  if (!record.process.is_null()) table.add({"process", one_line(record.process)});
  if (!record.grid.is_null()) table.add({"grid", one_line(record.grid)});
  table.add({counted(record), concat(record.first, ":", record.end, ", seed ", record.seed)});
  if (record.smc) {
    table.add({"evidence", concat("log of its mean ", format_number(mean_log_evidence(*record.smc)),
                                  sd_text(*record.smc), ", ", record.smc->particles, " particles a chain")});
  }
  if (!record.weights.is_null()) table.add({"weights", weights_text(record.weights)});
  if (!record.moments.is_null()) {
    table.add({"mean", numbers_text(record.moments.at("mean"))});
    table.add({"its error", numbers_text(record.moments.at("standard_error"))});
    table.add({"variance", numbers_text(record.moments.at("variance"))});
    // Records of earlier versions have none.
    if (record.moments.contains("rhat_split"))
      table.add({"R-hat", numbers_text(record.moments.at("rhat_split"))});
  }
  if (record.figures.contains("rhat")) {
    table.add({"R-hat", numbers_text(record.figures.at("rhat"))});
    table.add({"ESS bulk", numbers_text(record.figures.at("ess_bulk"))});
    table.add({"ESS tail", numbers_text(record.figures.at("ess_tail"))});
  }
  if (record.figures.contains("estimates"))
    table.add({"estimates", estimates_text(record.figures.at("estimates"))});
  if (record.acceptance) table.add({"acceptance", acceptance_text(*record.acceptance)});
  if (record.acceptance && !record.acceptance->step.empty())
    table.add({"steps", steps_text(record.acceptance->step)});
  table.add({"plan hash", record.plan_hash});
  table.add({"device", record.device + (record.math == "exact" ? "" : ", " + record.math + " mode")});
  table.add({"time", format_number(record.seconds, 3) + " s, " + speed_text(record)});
  return table.text();
}

}  // namespace gmdiff::cli
