#pragma once

#include <optional>
#include <string>
#include <variant>

#include <gmdiff/device/paths.hpp>
#include <gmdiff/metrics/distances.hpp>
#include <gmdiff/model/target_law.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/study/compare.hpp>

#include "study/law.hpp"

// One candidate of a comparison on one problem: its plan, its identity, its runs.

namespace gmdiff::study {

/// The exact answer of a problem.
struct Answer {
  ExactLaw exact;
  std::optional<double> log_evidence = {};
};
/// @throws as `exact_law_of`
Answer answer_of(const NamedProblem& named);

/// A call of a sampler outside the catalogue.
struct CustomCall {
  const Candidate* candidate;
  const NamedProblem* problem;
};

/// Samples in files, one for each run of the problem.
struct FileSet {
  std::vector<std::filesystem::path> files;
  const NamedProblem* problem;
};

/// Draws of a target from the table of its density.
struct TableDrawSet {
  const TargetLaw* law;
  const NamedProblem* problem;
};

/// Paths of a trained sampler.
struct PathSet {
  PathPlan plan;
  bool reweight;                         ///< whether the points are judged with their weights
  std::optional<double> log_normalizer;  ///< log Z, where it is known
};

/// A candidate that is ready to run on a problem. It refers to the settings and the answer that it was made
/// from.
using ReadyCandidate = std::variant<Plan, SmcPlan, PathSet, CustomCall, FileSet, TableDrawSet>;

/// Whether the candidate is of the catalogue, so that its first samples do not depend on their number.
bool has_plan(const ReadyCandidate& candidate);

/// Makes the plan of a candidate for problem number `problem` of the settings.
/// @throws std::invalid_argument when there is no plan.
ReadyCandidate ready(const Candidate& candidate, const CompareSettings& settings, std::size_t problem,
                     const Answer& answer);

/// 16 digits that identify the plan, the function and its problem, or the samples of run number `run`.
std::string identity_of(const ReadyCandidate& candidate, int run);

/// Makes the samples of run number `run` with the seed of the options, and writes what the run reports to
/// the record. @throws as `run`; NonFiniteError for samples from outside the catalogue.
PointSet make_samples(const ReadyCandidate& candidate, int run, const Options& options, const Answer& answer,
                      ComparisonRecord& record);

}  // namespace gmdiff::study
