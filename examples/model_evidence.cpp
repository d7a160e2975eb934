// Which prior explains an observation better? The log-evidence of each, exact, and their Bayes factor.

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

  const Posterior one = posterior(one_regime, readings);
  const Posterior two = posterior(two_regimes, readings);
  std::cout.precision(4);
  std::cout << "log-evidence, one regime   " << one.log_evidence << '\n'
            << "log-evidence, two regimes  " << two.log_evidence << '\n'
            << "Bayes factor of the second " << std::exp(two.log_evidence - one.log_evidence) << '\n'
            << "P(warm regime | readings)  " << two.mixture.weights()[1] << '\n';
}
