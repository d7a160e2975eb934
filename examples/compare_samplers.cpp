// A sampler of one's own in a comparison with a sampler of the library and with exact draws.

#include <gmdiff/gmdiff.hpp>

#include <iostream>

using namespace gmdiff;

/// Draws of the Gaussian with the posterior's mean and covariance: the moments are right, the shape is not.
Points fitted_gaussian(const AnyProblem& problem, const Options& options) {
  const auto& observed = std::get<Problem>(problem);
  const Mixture exact = posterior(observed.prior, *observed.observation).mixture;
  const Mixture fit({1.0}, exact.mean().transpose(), Covariance::full({exact.covariance()}));
  return draw(fit, options).to_double();
}

int main() {
  CompareSettings settings;
  settings.problems = {{"two modes", tutorial_2d()}};
  settings.candidates = {{"draw"}, {"ddim", parse_sampler("ddim")}, {"Gaussian fit", fitted_gaussian}};
  settings.options = {.count = 1000, .seed = 1, .device = Device::cpu(), .precision = Precision::f64};
  settings.runs = 4;  // seeds 1 to 4
  settings.metrics = {Metric::sliced_wasserstein, Metric::moments};

  std::cout.precision(2);
  for (const SamplerRow& row : compare(settings)) {
    std::cout << row.sampler << '\n';
    for (const QuantityFigures& figures : row.quantities) {
      std::cout << "  " << figures.quantity << ' ' << figures.value << " +- "
                << 1.96 * *figures.standard_error << ", " << figures.ratio << " times that of exact draws\n";
    }
  }
}
