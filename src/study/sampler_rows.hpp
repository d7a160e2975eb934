#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gmdiff/study/compare.hpp>

namespace gmdiff::study {

/// The records of one candidate in the order of its runs.
struct CandidateOutcome {
  std::vector<ComparisonRecord> records = {};
  std::vector<std::size_t> problems = {};  ///< number of the problem of each record
  std::size_t reused = 0;                  ///< number of records from the results file
  Points samples = {};
  std::optional<std::string> error = {};  ///< reason why it was left out of further runs
};

/// Condenses the records of a candidate to its row.
SamplerRow row_of(const Candidate& candidate, const CandidateOutcome& outcome);

}  // namespace gmdiff::study
