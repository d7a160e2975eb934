#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/device/paths.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "cli/arguments.hpp"
#include "cli/files.hpp"
#include "cli/problem_source.hpp"
#include "cli/verb.hpp"
#include "study/file_run.hpp"
#include "study/law.hpp"
#include "study/record.hpp"

// Flags and the run itself of the verbs that run a plan: sample, forward, draw.

namespace gmdiff::cli {

/// Flags of these verbs; a verb adds those that it takes.
struct RunFlags {
  ProblemFlags problem;
  CommonFlags common;
  std::string out;
  bool force = false;
  bool moments = false;
  FlagText count, range, seed, start, device, precision, math, history, sampler, steps, path_steps,
      first_step, denoiser;
  std::vector<std::string> estimates;
  bool log_density = false, velocities = false;
};

/// Adds the flags that all of them take.
void add_run_flags(CLI::App& verb, RunFlags& flags);
/// Adds `--start`.
void add_start(CLI::App& verb, RunFlags& flags, const std::string& meaning);
/// Adds `--history`.
void add_history(CLI::App& verb, RunFlags& flags, const std::string& meaning);

/// The value of `--history`, at most `levels`. @throws std::invalid_argument for other texts.
int parse_history(const std::string& text, std::size_t levels);

/// The options of the flags, without the first states.
/// @param record of the verb, which gets what the flags say
Options run_options(const RunFlags& flags, const Plan& plan, int history, study::RunRecord& record);

/// Runs `plan`, writes its file and prints its report.
/// @param inputs the files of the problem
/// @param record of the verb; the run adds the rest
/// @param row_shape of the output for one particle or chain
/// @param history number of levels to keep; 0 for the last states alone
/// @param log_density of the target, with `--log-density`
void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const Plan& plan,
              std::vector<std::int64_t> row_shape, int history, study::TraceDensity log_density = {});
void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const SmcPlan& plan,
              std::vector<std::int64_t> row_shape, int history);
void run_plan(const RunFlags& flags, const InputFiles& inputs, study::RunRecord record, const PathPlan& plan,
              std::vector<std::int64_t> row_shape, int history);

/// The record of a verb on a problem with a prior.
study::RunRecord record_of(const std::string& verb, const auto& problem, const std::string& law) {
  study::RunRecord record;
  record.verb = verb;
  record.law = law;
  if (verb == "sample") record.sampler = study::Json::parse(to_json(problem.sampler));
  record.process = study::Json::parse(to_json(problem.process));
  record.grid = study::Json::parse(to_json(problem.grid));
  return record;
}

}  // namespace gmdiff::cli
