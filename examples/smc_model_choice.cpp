// Which prior explains an observation better? Log-evidences by sequential Monte Carlo beside the exact ones. Mixtures have both; of a
// learned prior only the first could be had.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>

using namespace gmdiff;

int main() {
  // Two thermometers see the sum and the difference of two temperatures.
  const LinearObservation readings(Eigen::MatrixXd{{1, 1}, {1, -1}}, Eigen::VectorXd{{3.9, 0.2}},
                                   /*noise_std=*/0.2);
  const Mixture one_regime({1.0}, Points{{1, 1}}, Covariance::spherical({1.0}));
  const Mixture two_regimes({0.5, 0.5}, Points{{0, 0}, {2, 2}}, Covariance::spherical({0.05, 0.05}));

  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  const TimeGrid grid = TimeGrid::uniform(process, 20);
  const Mcgdiff sampler{.particles = 64, .kernel = SmcKernel::exact};

  std::cout.precision(3);
  for (const Mixture& prior : {one_regime, two_regimes}) {
    const SmcSamples samples = sample(prior, readings, process, grid, sampler, {.count = 1000, .seed = 2});
    std::cout << "log-evidence " << samples.mean_log_evidence() << ", exact "
              << posterior(prior, readings).log_evidence << '\n';
  }
}
