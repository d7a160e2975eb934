#include "network/check_training.hpp"

#include "base/check.hpp"

namespace gmdiff::network {

void check_settings(const DenoiserSettings& settings) {
  const NoiseLadder& ladder = settings.ladder;
  constexpr std::int64_t iterations = (1 << 24) - 1;  // the random streams have 24 bits for it
  (void)network_size({.dim = 1, .hidden = settings.hidden, .layers = settings.layers});
  require(ladder.count >= 1 && ladder.count <= 1'000'000,
          "training: ladder.count must be in 1 ... 1000000, got ", ladder.count);
  require(is_positive(ladder.n_min), "training: ladder.n_min must be positive and finite, got ",
          ladder.n_min);
  require(std::isfinite(ladder.n_max) && ladder.n_max > ladder.n_min,
          "training: ladder.n_max must be finite and above n_min = ", ladder.n_min, ", got ", ladder.n_max);
  require(std::isfinite(settings.law.mean), "training: law.mean must be finite, got ", settings.law.mean);
  require(is_positive(settings.law.deviation), "training: law.deviation must be positive and finite, got ",
          settings.law.deviation);
  require(settings.batch >= 1 && settings.batch <= 1 << 24, "training: batch must be in 1 ... ", 1 << 24,
          ", got ", settings.batch);
  require(settings.iterations >= 1 && settings.iterations <= iterations,
          "training: iterations must be in 1 ... ", iterations, ", got ", settings.iterations);
  require(is_positive(settings.rate), "training: rate must be positive and finite, got ", settings.rate);
  require(settings.decay >= 0.0 && settings.decay <= 1.0, "training: decay must be in [0, 1], got ",
          settings.decay);
  require(settings.ema >= 0.0 && settings.ema < 1.0, "training: ema must be in [0, 1), got ", settings.ema);
}

void check_training(const DenoiserTraining& training) {
  check_settings(training.settings);
  require(training.mean.size() >= 1 && training.mean.allFinite(),
          "training: the mean of the data must have finite entries, at least one");
  require(is_positive(training.scale), "training: the scale of the data must be positive and finite, got ",
          training.scale);
  require(training.iteration >= 0 && training.iteration <= training.settings.iterations,
          "training: the iteration must be in 0 ... ", training.settings.iterations, ", got ",
          training.iteration);
  const Eigen::Index size = network_size(training.shape());
  const auto check = [size](const char* name, const Eigen::VectorXd& array) {
    require(array.size() == size, "training: ", name, " must have ", size, " entries, got ", array.size());
    require(array.allFinite(), "training: ", name, " must be finite");
  };
  check("parameters", training.parameters);
  check("averaged", training.averaged);
  check("adam.m", training.adam.m);
  check("adam.v", training.adam.v);
}

}  // namespace gmdiff::network
