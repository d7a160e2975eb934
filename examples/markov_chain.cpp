// Markov chains on a target that is no mixture: the banana, whose variances are known.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>

using namespace gmdiff;

int main() {
  const Target banana = Banana{.scale = 2.0, .curvature = 0.1};
  const CoordinateMoments exact = *banana.moments();

  // Without a step, the method finds one, and a diagonal preconditioner, by a pilot run.
  const Mala mala{.run = {.warmup = 200, .steps = 500, .output = ChainOutput::trace, .start_std = 2.0}};
  const Tuned ready = tuned(banana, mala);
  const Samples trace = run(mcmc_plan(banana, ready), {.count = 64, .precision = Precision::f64});

  const auto chains = static_cast<Eigen::Index>(trace.shape()[0]),
             draws = static_cast<Eigen::Index>(trace.shape()[1]);
  const Points x = trace.to_double();
  std::cout.precision(2);
  for (Eigen::Index j = 0; j < 2; ++j) {
    // The squares of a coordinate, a column for each chain.
    const Eigen::VectorXd squares = x.col(j).cwiseAbs2();
    const ChainDiagnostics found =
        chain_diagnostics(Eigen::Map<const Eigen::MatrixXd>(squares.data(), draws, chains));
    const bool agrees = std::abs(found.mean - exact.variance(j)) < 4.0 * found.mcse;
    std::cout << "E x_" << j + 1 << "^2 = " << found.mean << " +- " << found.mcse << ", exact "
              << exact.variance(j) << (agrees ? "" : ", which is too far away") << '\n';
  }
}
