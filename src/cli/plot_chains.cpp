// Inputs of the picture of chains.

#include <algorithm>
#include <span>

#include <gmdiff/device/smc.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "base/check.hpp"
#include "cli/output.hpp"
#include "cli/plot_inputs.hpp"
#include "study/law.hpp"
#include "study/result_file.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t most_weighted_chains = 200;
constexpr std::int64_t most_repeated_chains = 20;
constexpr double most_history_bytes = 64 << 20;  // of the weights of all repeated chains

/// The final log-weights of the first chains of an archive; none of another file.
std::vector<double> final_log_weights(const std::string& file, std::int64_t particles) {
  study::ResultReader reader(file);
  for (std::size_t i = 0; i < reader.arrays().size(); ++i) {
    const io::NpzEntry& entry = reader.arrays()[i];
    if (entry.name != "log_weights") continue;
    require(entry.shape.size() == 2 && entry.shape[1] == particles && entry.precision == Precision::f64, file,
            ": log_weights is not a float64 array of ", particles, " weights a chain");
    std::vector<double> weights(
        static_cast<std::size_t>(std::min(entry.shape[0], most_weighted_chains) * particles));
    reader.open(i);
    reader.read_bytes(std::span(reinterpret_cast<char*>(weights.data()), weights.size() * sizeof(double)));
    return weights;
  }
  return {};
}

/// The problem with the sampler, grid and process of the run.
Problem problem_of_run(const Problem& problem, const study::RunRecord& record) {
  Json json = Json::parse(to_json(problem));
  json["sampler"] = record.sampler;
  json["grid"] = record.grid;
  json["process"] = record.process;
  return parse_problem(json.dump(), "the problem of the run");
}

/// The first chains of the run, with the record of their weights.
SmcHistory repeated_history(const SmcPlan& plan, const study::RunRecord& record) {
  const double bytes = 12.0 * static_cast<double>(plan.weightings().size()) * plan.particles;
  Options options;
  options.first = static_cast<std::int64_t>(record.first);
  options.count =
      std::min({static_cast<std::int64_t>(record.end - record.first), most_repeated_chains,
                std::max<std::int64_t>(1, static_cast<std::int64_t>(most_history_bytes / bytes))});
  options.seed = record.seed;
  options.precision = record.precision == "f64" ? Precision::f64 : Precision::f32;
  options.device = Device::cpu();
  options.smc_history = true;
  return run(plan, options).history();
}

}  // namespace

report::ChainFigures read_chain_figures(const std::string& file, const study::RunRecord& record) {
  require(record.smc.has_value() && !record.smc->chains.log_evidence.empty(), file,
          ": its sidecar has no chains; mcgdiff and bootstrap make them");
  report::ChainFigures figures;
  figures.name = file;
  figures.particles = record.smc->particles;
  figures.chains = record.smc->chains;
  figures.log_weights = final_log_weights(file, figures.particles);
  return figures;
}

void add_problem_figures(report::ChainFigures& figures, const Problem& problem,
                         const std::string& problem_file, const study::RunRecord& record,
                         std::vector<std::string>& warnings) {
  require(problem.observation.has_value(), problem_file, " has no observation: chains sample a posterior");
  const Problem repeated = problem_of_run(problem, record);
  const auto* sampler = std::get_if<SmcSampler>(&repeated.sampler);
  require(sampler != nullptr, figures.name, ": its sampler is none of sequential Monte Carlo");
  const ForwardProcess process(repeated.process);
  const SmcPlan plan =
      smc_plan(repeated.prior, *repeated.observation, process, study::grid_of(repeated, process), *sampler);
  require(hex(plan.hash()) == record.plan_hash, figures.name, " is no run of ", problem_file,
          ": its plan has the hash ", record.plan_hash, ", that of the problem ", hex(plan.hash()));
  figures.exact_log_evidence = posterior(problem.prior, *problem.observation).log_evidence;
  if (record.start) {
    warnings.push_back("the chains had given first particles and are not run again for their weights");
    return;
  }
  if (!plan.weightings().empty()) figures.history = repeated_history(plan, record);
}

}  // namespace gmdiff::cli
