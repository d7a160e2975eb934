#include "metrics/projected_laws.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "metrics/eigenvalues.hpp"

namespace gmdiff {
namespace {

/// Components of positive weight.
std::vector<Eigen::Index> occurring_components(const Mixture& law) {
  std::vector<Eigen::Index> components;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    if (law.weights()(k) > 0.0) components.push_back(k);
  }
  return components;
}

void set_moments(LineLaws& laws, Eigen::Index s) {
  const auto means = laws.means.row(s).array();
  const auto deviations = laws.deviations.row(s).array();
  laws.second_moments(s) = (laws.weights.transpose().array() * (means.square() + deviations.square())).sum();
  laws.radii(s) = (means.abs() + particle::lower_end * deviations).maxCoeff();
  laws.rates.row(s) = deviations.inverse().min(particle::largest_rate);
}

}  // namespace

LineLaws project_law(const Mixture& law, const Points& directions, double factor) {
  const std::vector<Eigen::Index> components = occurring_components(law);
  const Eigen::Index slices = directions.rows();
  const auto K = static_cast<Eigen::Index>(components.size());
  LineLaws laws{.weights = law.weights()(components),
                .means = Points(slices, K),
                .deviations = Points(slices, K),
                .rates = Points(slices, K),
                .centres = Eigen::VectorXd(slices),
                .second_moments = Eigen::VectorXd(slices),
                .radii = Eigen::VectorXd(slices)};
  for (Eigen::Index s = 0; s < slices; ++s) {
    const Mixture line = law.project(factor * directions.row(s).transpose());
    for (Eigen::Index k = 0; k < K; ++k) {
      const Eigen::Index component = components[static_cast<std::size_t>(k)];
      laws.means(s, k) = line.means()(component, 0);
      laws.deviations(s, k) = std::sqrt(eigenvalue(line, component, 0));
    }
    laws.centres(s) = laws.means.row(s).dot(laws.weights);
    laws.means.row(s).array() -= laws.centres(s);
    set_moments(laws, s);
  }
  return laws;
}

double largest_size(const Mixture& law) {
  double size = 0.0;
  for (const Eigen::Index k : occurring_components(law)) {
    const double deviation = std::sqrt(component_eigenvalues(law, k).maxCoeff());
    size = std::max({size, law.means().row(k).cwiseAbs().maxCoeff(), deviation});
  }
  return size;
}

}  // namespace gmdiff
