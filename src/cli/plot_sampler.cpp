// Inputs of the picture of trained samplers.

#include <algorithm>
#include <cmath>

#include <gmdiff/io/sampler_file.hpp>

#include "base/check.hpp"
#include "cli/plot_inputs.hpp"
#include "io/json_input.hpp"

namespace gmdiff::cli {
namespace {

constexpr std::int64_t shown_draws = 500;

/// The first rows of a parameter's array, as many as components are active.
Points active_rows(const SamplerTraining& training, const std::string& name) {
  for (const NetworkTensor& tensor : sampler_tensors(training.settings, training.dim)) {
    if (tensor.name != name) continue;
    return Eigen::Map<const Points>(training.parameters.data() + tensor.offset, training.active, tensor.cols);
  }
  fail("a trained sampler has no array ", name);
}

}  // namespace

report::SamplerState read_sampler_state(const std::string& file, const Target& target) {
  const SamplerTraining training = read_sampler(file);
  const TrainedSampler sampler =
      io::at_place(io::Location(file), [&] { return TrainedSampler(training, target, /*threads=*/0); });
  report::SamplerState state;
  state.name = concat(file, ", iteration ", report::count_label(training.iteration));
  state.means = active_rows(training, "mu");
  // std = sp(s) = log(1 + e^s) (mathematics.md §17.7)
  state.deviations = active_rows(training, "s").unaryExpr([](double s) {
    return std::max(s, 0.0) + std::log1p(std::exp(-std::abs(s)));
  });
  state.draws = sampler.draws(shown_draws, training.settings.seed).x;
  return state;
}

}  // namespace gmdiff::cli
