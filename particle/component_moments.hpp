#pragma once

#include "particle/arithmetic.hpp"
#include "particle/tables.hpp"

// Moments of x_0 given x_t and a component, which guidance needs (mathematics.md §10.1).

namespace gmdiff::particle {

/// Moments of one component given x_t. A device supplies the `Products`: `to_basis(k, v, take)` calls
/// take(i, (U_k^T v)_i) for the own coordinates, and `from_basis(k, z, start, take)` calls
/// take(i, start(i) + (U_k z)_i).
template <class V, Family family, class Team, class Products>
class ComponentMoments {
 public:
  using Real = RealOf<V>;
  using Vector = typename Team::Vector;

  GMDIFF_PARTICLE ComponentMoments(Team& team, const LawTable<Real>& law, Products products)
      : team_(team), law_(law), products_(products) {}

  /// Calls take(i, m_k(i)) for the own coordinates, m_k = mu_k + alpha Sigma_k C_k^{-1} (x - alpha mu_k).
  template <class Take>
  GMDIFF_PARTICLE void component_mean(const LevelTable<Real>& level, Index k, Vector x, Vector rotated,
                                      Vector difference, Take take) {
    const Real* mu = law_.means + k * law_.dim;
    if constexpr (family == Family::full) {
      team_.for_each_own(law_.dim, [&](Index i) { difference[i] = fma(V(-level.alpha), V(mu[i]), V(x[i])); });
      team_.sync();
      products_.to_basis(k, difference, [&](Index i, V z) { rotated[i] = z * V(level.gain(k, i)); });
      team_.sync();
      products_.from_basis(
          k, rotated, [&](Index i) { return V(mu[i]); }, take);
    } else {
      team_.for_each_own(law_.dim, [&](Index i) {
        // shrink mu; the table of diagonal covariances holds the product
        const V own = family == Family::diag ? V(level.shrink(k, i)) : V(level.shrink(k, i)) * V(mu[i]);
        take(i, fma(V(level.gain(k, i)), V(x[i]), own));
      });
    }
  }

  /// Calls take(i, (S_k v)_i) for the own coordinates, S_k = U_k diag(variance_k) U_k^T.
  template <class Take>
  GMDIFF_PARTICLE void spread(const Spectrum<Real>& variance, Index k, Vector v, Vector rotated, Take take) {
    if constexpr (family == Family::full) {
      products_.to_basis(k, v, [&](Index i, V z) { rotated[i] = z * V(variance(k, i)); });
      team_.sync();
      products_.from_basis(
          k, rotated, [](Index) { return V(Real(0)); }, take);
    } else {
      team_.for_each_own(law_.dim, [&](Index i) { take(i, V(variance(k, i)) * V(v[i])); });
    }
  }

 private:
  Team& team_;
  const LawTable<Real>& law_;
  Products products_;
};

}  // namespace gmdiff::particle
