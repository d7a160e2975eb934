#pragma once

#include <string>
#include <vector>

#include <gmdiff/metrics/distances.hpp>

namespace gmdiff::study {

/// Metrics and the options that each of them reads, as text for the key of a record:
/// "sw:p=1:slices=100:repeats=5,modes:repeats=5". The seed is that of the run.
std::string judging_text(const std::vector<Metric>& metrics, const JudgeOptions& options);

/// The judgements of several sets, metric by metric, each as by `judge_each`.
std::vector<std::vector<Judgement>> judge_all(const std::vector<PointSet>& sets, const ReferenceLaw& law,
                                              const std::vector<Metric>& metrics, JudgeOptions options);

}  // namespace gmdiff::study
