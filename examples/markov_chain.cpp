// Markov chains on a target that is no mixture: the banana, whose variances are known, and the same as a
// function.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>

using namespace gmdiff;

/// Log-density and gradient of the banana by hand, without its constant: x_2 - 0.1 (x_1^2 - 4) is standard
/// normal.
void banana_by_hand(Eigen::Index n, const double* x, double* l, double* g) {
  for (Eigen::Index i = 0; i < n; ++i, x += 2, g += 2) {
    const double u = x[1] - 0.1 * (x[0] * x[0] - 4.0);
    l[i] = -0.5 * (x[0] * x[0] / 4.0 + u * u);
    g[0] = -x[0] / 4.0 + 0.2 * x[0] * u;
    g[1] = -u;
  }
}

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

  // A function of the program is a target, too. In double its chains move as those of the built-in one do.
  const CustomTarget by_hand{.dim = 2, .evaluate = banana_by_hand, .id = "banana by hand"};
  const Mala short_chain{.step = 0.5, .run = {.steps = 20}};
  const Options options{.count = 1000, .precision = Precision::f64};
  const Samples found = sample(by_hand, short_chain, options);
  const Points expected = sample(banana, short_chain, options).to_double();
  std::cout << std::boolalpha << "target by hand agrees with the banana: "
            << ((found.to_double() - expected).cwiseAbs().maxCoeff() < 1e-9) << '\n'
            << "note: " << found.provenance().notes.back() << '\n';
}
