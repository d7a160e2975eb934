// A program of a user of the package, compiled against the installed package, with pkg-config and by
// add_subdirectory.

#include <gmdiff/gmdiff.hpp>

#include <cmath>
#include <iostream>

int main() {
  const gmdiff::Mixture prior({0.5, 0.5}, (gmdiff::Points(2, 1) << -1.0, 1.0).finished(),
                              gmdiff::Covariance::spherical({0.1, 0.1}));
  const gmdiff::ForwardProcess process = gmdiff::vp();
  const gmdiff::TimeGrid grid = gmdiff::TimeGrid::uniform(process, 10);

  const gmdiff::Samples samples =
      gmdiff::sample(prior, process, grid, gmdiff::ExactTransition{}, {.count = 100, .seed = 1});
  const double log_density = prior.log_pdf(gmdiff::Points::Zero(1, 1))[0];
  const gmdiff::Problem problem = gmdiff::parse_problem(gmdiff::to_json(gmdiff::Problem{.prior = prior}));

  std::cout << "gmdiff " << gmdiff::version() << ": " << samples.rows() << " samples in dimension "
            << samples.dim() << '\n';
  return std::isfinite(log_density) && problem.prior.num_components() == 2 && samples.to_double().allFinite()
             ? 0
             : 1;
}
