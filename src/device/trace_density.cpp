#include <gmdiff/device/sample.hpp>

#include "base/check.hpp"

namespace gmdiff {
namespace {

/// @param log_density of the law (n), at points (n, d)
Points density_of(const Samples& trace, Eigen::Index dim, auto log_density) {
  require(trace.shape().size() == 3, "trace_log_density: expected a trace of shape (count, kept, d), given ",
          trace.shape().size(), " axes; chains keep one with ChainOutput::trace");
  require(trace.dim() == dim, "trace_log_density: the trace has dimension ", trace.dim(), ", the target ",
          dim);
  const Eigen::VectorXd values = log_density(trace.to_double());
  return Eigen::Map<const Points>(values.data(), trace.shape()[0], trace.shape()[1]);
}

}  // namespace

Points trace_log_density(const Samples& trace, const Target& target) {
  return density_of(trace, target.dim(), [&](const Points& x) { return target.log_density(x); });
}

Points trace_log_density(const Samples& trace, const Mixture& target) {
  return density_of(trace, target.dim(), [&](const Points& x) { return target.log_pdf(x); });
}

}  // namespace gmdiff
