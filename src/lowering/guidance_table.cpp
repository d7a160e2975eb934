#include "lowering/guidance_table.hpp"

#include "lowering/tape_table.hpp"

namespace gmdiff::particle {

double posterior_variance(const MixtureTable& mixture, const Level& level, Index k, Index i) {
  const Points& eigenvalues = mixture.eigenvalues;
  const double l = eigenvalues(eigenvalues.rows() == 1 ? 0 : k, eigenvalues.cols() == 1 ? 0 : i);
  const double sigma2 = level.sigma * level.sigma;
  return sigma2 * l / (level.alpha * level.alpha * l + sigma2);
}

template <class Real>
Spectrum<Real> posterior_variances(const MixtureTable& mixture, const Level& level, Arena<Real>& arena) {
  const Index rows = mixture.eigenvalues.rows();
  const Index columns = mixture.eigenvalues.cols();
  Real* values = arena.allocate(static_cast<std::size_t>(rows * columns));
  for (Index k = 0; k < rows; ++k) {
    for (Index i = 0; i < columns; ++i)
      values[k * columns + i] = static_cast<Real>(posterior_variance(mixture, level, k, i));
  }
  return {.values = values,
          .stride_k = rows == 1 && mixture.num_components() > 1 ? 0 : columns,
          .stride_i = columns == 1 ? 0 : 1};
}

template <class Real>
ObservationTable<Real> map_table(const GuidanceTable& guidance, Index dim, int first_work,
                                 Arena<Real>& arena) {
  return {.rows = guidance.num_rows(),
          .A = nullptr,
          .y = nullptr,
          .noise_variance = static_cast<Real>(guidance.noise_variance),
          .unexplained = static_cast<Real>(guidance.unexplained),
          .has_map = true,
          .tape = tape_table(guidance.map->tape(), dim, arena),
          .first_work = first_work};
}

template Spectrum<float> posterior_variances(const MixtureTable&, const Level&, Arena<float>&);
template Spectrum<double> posterior_variances(const MixtureTable&, const Level&, Arena<double>&);
template ObservationTable<float> map_table(const GuidanceTable&, Index, int, Arena<float>&);
template ObservationTable<double> map_table(const GuidanceTable&, Index, int, Arena<double>&);

}  // namespace gmdiff::particle
