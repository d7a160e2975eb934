#include "study/judging.hpp"

#include <stdexcept>

#include "base/check.hpp"
#include "io/json_output.hpp"
#include "metrics/metric_names.hpp"

namespace gmdiff::study {
namespace {

/// The options of one metric.
std::string options_text(Metric metric, const JudgeOptions& options) {
  const std::string repeats = concat(":repeats=", options.repeats);
  switch (metric) {
    case Metric::sliced_wasserstein:
    case Metric::max_sliced_wasserstein:
      return concat(":p=", options.p, ":slices=", options.slices, repeats);
    case Metric::mmd_squared:
      return repeats +
             (options.bandwidth ? ":bandwidth=" + io::json_number(*options.bandwidth).dump() : std::string());
    case Metric::energy_distance:
    case Metric::moments:
    case Metric::modes:
    case Metric::mode_weights:
    case Metric::mode_coverage:
    case Metric::mmd_vsm:
      return repeats;
    case Metric::sinkhorn:
      return repeats +
             (options.sinkhorn.epsilon
                  ? ":epsilon=" + io::json_number(*options.sinkhorn.epsilon).dump()
                  : ":relative_epsilon=" + io::json_number(options.sinkhorn.relative_epsilon).dump());
  }
  throw std::logic_error("a metric has no options text");
}

}  // namespace

std::string judging_text(const std::vector<Metric>& metrics, const JudgeOptions& options) {
  std::string text;
  for (const Metric metric : metrics)
    text += concat(text.empty() ? "" : ",", metric_name(metric), options_text(metric, options));
  return text;
}

std::vector<std::vector<Judgement>> judge_all(const std::vector<PointSet>& sets, const ReferenceLaw& law,
                                              const std::vector<Metric>& metrics, JudgeOptions options) {
  std::vector<std::vector<Judgement>> all(sets.size());
  options.spread = false;
  for (const Metric metric : metrics) {
    options.metric = metric;
    const std::vector<std::vector<Judgement>> judgements = judge_each(sets, law, options);
    for (std::size_t i = 0; i < sets.size(); ++i)
      all[i].insert(all[i].end(), judgements[i].begin(), judgements[i].end());
  }
  return all;
}

}  // namespace gmdiff::study
