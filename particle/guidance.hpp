#pragma once

#include "particle/component_moments.hpp"
#include "particle/guidance_room.hpp"
#include "particle/observed_rows.hpp"
#include "particle/program_tables.hpp"
#include "particle/wide.hpp"

// The guidance g = C A^T w(y - A D) of a particle (mathematics.md §10), C = Cov[x_0 | x_t]. A particle's
// vectors are shared by the workers of a `Team`: a worker writes the coordinates and rows that it owns and
// may read all of them after `sync`. On the cpu a team is one worker.

namespace gmdiff::particle {

/// @tparam Rows the rows A: `LinearRows` or `RowsOfMap`
/// @tparam Products a function from a to the vector J^T A_a^T of a custom denoiser
template <class V, class Team, class Law, class Rows, class Products = NoProducts<typename Team::Vector>>
class Guidance {
 public:
  using Real = RealOf<V>;
  using Vector = typename Team::Vector;

  GMDIFF_PARTICLE Guidance(Team& team, Law& law, const ObservationTable<Real>& observation,
                           const GuidanceRoom<Vector>& room, Rows A, Products products = {})
      : team_(team), law_(law), observation_(observation), room_(room), A_(A), products_(products) {}

  /// to <- C A^T w(y - A D); `normal(m)` is normal number m of the directions' stream.
  template <class Normal>
  GMDIFF_PARTICLE void run(const StageTable<Real>& stage, std::uint64_t step, Vector x, Vector D, Vector to,
                           Normal normal) {
    // A custom denoiser has no law.
    if (stage.guide.reads_covariance) inverse_ = V(Real(1)) / law_.responsibilities(stage.level, x);
    residual(D);
    weigh(stage, x, D);
    if (has_all_products(stage.guide)) return add_products(to);
    team_.for_each_own(dim(), [&](Index i) {
      V v(Real(0));
      for (Index a = 0; a < rows(); ++a) v = fma(A_(a, i), V(room_.weighted[a]), v);
      room_.direction[i] = v;
    });
    team_.sync();
    if (stage.guide.directions > 0) average_directions(stage, step, normal);
    if (stage.guide.has_covariance) {
      multiply_covariance(stage, x, D, room_.direction, to);
    } else {
      team_.for_each_own(dim(), [&](Index i) { to[i] = V(room_.direction[i]); });
    }
  }

  /// Logarithm of the potential of an observation (§10.4), without its constant: of Cauchy's density of
  /// y - A D with the matrix scale A C A^T + sigma_y^2 I, or scale A A^T + sigma_y^2 I where C is not known,
  /// and at the data of N(y - A D; 0, sigma_y^2 I).
  GMDIFF_PARTICLE V log_potential(const StageTable<Real>& stage, Vector x, Vector D) {
    if (stage.guide.reads_covariance) inverse_ = V(Real(1)) / law_.responsibilities(stage.level, x);
    residual(D);
    if (stage.level.at_data) {
      for_each_own_entry([&](Index a, Index b) { room_.Q[entry(a, b)] = V(Real(0)); });
      add_noise(V(Real(0)));
    } else if (stage.guide.weight == GuideWeight::isotropic) {
      project_identity(stage);
    } else {
      project_covariance(stage, x, D);
    }
    if (team_.is_first()) factorise();
    team_.sync();
    return stage.level.at_data ? log_normal<V>(room_, rows()) : log_cauchy<V>(room_, rows());
  }

 private:
  GMDIFF_PARTICLE Index dim() const { return law_.table().dim; }
  GMDIFF_PARTICLE Index rows() const { return observation_.rows; }
  GMDIFF_PARTICLE static constexpr Index entry(Index a, Index b) { return a * (a + 1) / 2 + b; }

  /// Whether a weight is 0 in all lanes and the team may leave its term out.
  GMDIFF_PARTICLE static bool is_skipped([[maybe_unused]] V e) {
    if constexpr (Team::may_skip) return all(e <= V(Real(0)));
    return false;
  }

  /// <A_a, v>
  GMDIFF_PARTICLE V projection(Index a, Vector v) const {
    V sum(Real(0));
    for (Index i = 0; i < dim(); ++i) sum = fma(A_(a, i), V(v[i]), sum);
    return sum;
  }
  GMDIFF_PARTICLE V dot(Vector u, Vector v, Index n) const {
    V sum(Real(0));
    for (Index i = 0; i < n; ++i) sum = fma(V(u[i]), V(v[i]), sum);
    return sum;
  }

  GMDIFF_PARTICLE void residual(Vector D) {
    team_.sync();
    if constexpr (Rows::are_of_map) {
      if (team_.is_first()) A_.evaluate();
      team_.sync();
      team_.for_each_row(rows(), [&](Index a) { room_.residual[a] = A_.residual(a); });
    } else {
      team_.for_each_row(rows(),
                         [&](Index a) { room_.residual[a] = V(observation_.y[a]) - projection(a, D); });
    }
    team_.sync();
  }

  // --- weights of the residual -----------------------------------------------------------------------------

  GMDIFF_PARTICLE void weigh(const StageTable<Real>& stage, Vector x, Vector D) {
    switch (stage.guide.weight) {
      case GuideWeight::isotropic:
        weigh_isotropically(stage);
        break;
      case GuideWeight::norm:
        weigh_by_norm(stage);
        break;
      case GuideWeight::row_sums:
        weigh_by_row_sums(stage, x, D);
        break;
      case GuideWeight::moments:
        project_covariance(stage, x, D);
        if (team_.is_first()) solve();
        break;
      case GuideWeight::diffuse:
        project_covariance(stage, x, D);
        if (team_.is_first()) conjugate_gradients();
        break;
      case GuideWeight::unit:
      case GuideWeight::ones:
        team_.for_each_row(rows(), [&](Index a) {
          const bool is_one = stage.guide.weight == GuideWeight::ones || a == stage.guide.row;
          room_.weighted[a] = V(is_one ? Real(1) : Real(0));
        });
        break;
    }
    team_.sync();
  }

  /// (variance A A^T + sigma_y^2 I)^{-1} r; the matrix of a linear observation is diagonal.
  GMDIFF_PARTICLE void weigh_isotropically(const StageTable<Real>& stage) {
    if constexpr (Rows::are_of_map) {
      project_identity(stage);
      if (team_.is_first()) solve();
    } else {
      team_.for_each_row(
          rows(), [&](Index a) { room_.weighted[a] = V(stage.guide.weights[a]) * V(room_.residual[a]); });
    }
  }

  /// r / (|r| + epsilon); 0 at r = 0.
  GMDIFF_PARTICLE void weigh_by_norm(const StageTable<Real>& stage) {
    const V squared = dot(room_.residual, room_.residual, rows()) + V(observation_.unexplained);
    const V norm = sqrt(squared) + V(stage.guide.epsilon);
    const V one(Real(1));
    const V factor = select(norm <= V(Real(0)), V(Real(0)), one / select(norm <= V(Real(0)), one, norm));
    team_.for_each_row(rows(), [&](Index a) { room_.weighted[a] = factor * V(room_.residual[a]); });
  }

  /// r_a / (|(A C A^T 1)_a| + sigma_y^2)
  GMDIFF_PARTICLE void weigh_by_row_sums(const StageTable<Real>& stage, Vector x, Vector D) {
    if (stage.guide.products > 0) return weigh_by_sums(products_(0), V(stage.guide.scale));
    team_.for_each_own(dim(), [&](Index i) {
      V sum(Real(0));
      for (Index a = 0; a < rows(); ++a) sum = sum + A_(a, i);
      room_.direction[i] = sum;
    });
    team_.sync();
    multiply_covariance(stage, x, D, room_.direction, room_.sum);
    team_.sync();
    weigh_by_sums(room_.sum, V(Real(1)));
  }
  /// @param sum C A^T 1 over `scale`
  GMDIFF_PARTICLE void weigh_by_sums(Vector sum, V scale) {
    team_.for_each_row(rows(), [&](Index a) {
      const V of_row = scale * projection(a, sum);
      const V size = larger(of_row, -of_row);
      room_.weighted[a] = V(room_.residual[a]) / (size + V(observation_.noise_variance));
    });
  }

  /// Q <- scale A C A^T + sigma_y^2 I
  GMDIFF_PARTICLE void project_covariance(const StageTable<Real>& stage, Vector x, Vector D) {
    if (has_all_products(stage.guide)) {
      project_by_products();
      least_pivot_ = observation_.noise_variance;
      return add_noise(V(stage.guide.scale));
    }
    if constexpr (Rows::are_of_map) {
      project_by_rows(stage, x, D);
      add_noise(V(stage.guide.scale));
    } else {
      project_by_components(stage, x, D);
      add_noise(inverse_ * V(stage.guide.scale));
    }
  }

  /// Q <- scale A A^T + sigma_y^2 I
  GMDIFF_PARTICLE void project_identity(const StageTable<Real>& stage) {
    for_each_own_entry([&](Index a, Index b) {
      V sum(Real(0));
      for (Index i = 0; i < dim(); ++i) sum = fma(A_(a, i), A_(b, i), sum);
      room_.Q[entry(a, b)] = sum;
    });
    add_noise(V(stage.guide.scale));
  }

  /// Whether there is a product J^T A_a^T for every row.
  GMDIFF_PARTICLE static bool has_all_products(const GuideOf<Real>& guide) {
    return guide.products > 0 && guide.weight != GuideWeight::row_sums;
  }
  /// Q <- the symmetric part of A J^T A^T, for a custom denoiser, whose J need not be symmetric (§10.5)
  GMDIFF_PARTICLE void project_by_products() {
    for_each_own_entry([&](Index a, Index b) {
      room_.Q[entry(a, b)] = V(Real(0.5)) * (projection(a, products_(b)) + projection(b, products_(a)));
    });
  }
  /// to <- J^T A^T w
  GMDIFF_PARTICLE void add_products(Vector to) {
    team_.for_each_own(dim(), [&](Index i) {
      V v(Real(0));
      for (Index a = 0; a < rows(); ++a) v = fma(V(products_(a)[i]), V(room_.weighted[a]), v);
      to[i] = v;
    });
  }

  /// Q <- A C A^T. The rows differ from particle to particle, so that no table holds A S_k A^T.
  GMDIFF_PARTICLE void project_by_rows(const StageTable<Real>& stage, Vector x, Vector D) {
    for (Index b = 0; b < rows(); ++b) {
      team_.for_each_own(dim(), [&](Index i) { room_.direction[i] = A_(b, i); });
      team_.sync();
      multiply_covariance(stage, x, D, room_.direction, room_.sum);
      team_.sync();
      team_.for_each_row(rows(), [&](Index a) {
        if (a >= b) room_.Q[entry(a, b)] = projection(a, room_.sum);
      });
      team_.sync();
    }
  }

  /// Q <- A C A^T times the sum of the weights,
  /// A C A^T = sum_k r_k [A S_k A^T + A (m_k - D) (m_k - D)^T A^T].
  GMDIFF_PARTICLE void project_by_components(const StageTable<Real>& stage, Vector x, Vector D) {
    const GuideOf<Real>& guide = stage.guide;
    for_each_own_entry([&](Index a, Index b) { room_.Q[entry(a, b)] = V(Real(0)); });
    for (Index k = 0; k < law_.table().num_components; ++k) {
      const V e = law_.weight(k);
      if (is_skipped(e)) continue;
      difference(stage.level, k, x, D);
      team_.for_each_row(rows(), [&](Index a) { room_.projected[a] = projection(a, room_.difference); });
      team_.sync();
      const Real* S = guide.projected + k * guide.projected_stride;
      for_each_own_entry([&](Index a, Index b) {
        const V term = fma(V(room_.projected[a]), V(room_.projected[b]), V(S[entry(a, b)]));
        room_.Q[entry(a, b)] = fma(e, term, V(room_.Q[entry(a, b)]));
      });
      team_.sync();
    }
  }

  /// Q <- scale Q + sigma_y^2 I
  GMDIFF_PARTICLE void add_noise(V scale) {
    for_each_own_entry([&](Index a, Index b) {
      const V noise(a == b ? observation_.noise_variance : Real(0));
      room_.Q[entry(a, b)] = fma(V(room_.Q[entry(a, b)]), scale, noise);
    });
    team_.sync();
  }
  template <class Body>
  GMDIFF_PARTICLE void for_each_own_entry(Body body) const {
    team_.for_each_row(rows(), [&](Index a) {
      for (Index b = 0; b <= a; ++b) body(a, b);
    });
  }

  /// weighted <- Q^{-1} residual
  GMDIFF_PARTICLE void solve() {
    factorise();
    const Vector L = room_.Q;
    Vector w = room_.weighted;
    const Index m = rows();
    for (Index a = m - 1; a >= 0; --a) {
      V z = w[a];
      for (Index b = a + 1; b < m; ++b) z = fma(-V(L[entry(b, a)]), V(w[b]), z);
      w[a] = z / V(L[entry(a, a)]);
    }
  }

  /// Q <- L and weighted <- L^{-1} residual with the Cholesky factor L of Q.
  GMDIFF_PARTICLE void factorise() {
    const Index m = rows();
    Vector L = room_.Q;
    Vector w = room_.weighted;
    for (Index a = 0; a < m; ++a) {
      V z = room_.residual[a];
      for (Index b = 0; b <= a; ++b) {
        V sum = L[entry(a, b)];
        for (Index c = 0; c < b; ++c) sum = fma(-V(L[entry(a, c)]), V(L[entry(b, c)]), sum);
        if (b < a) {
          sum = sum / V(L[entry(b, b)]);
          z = fma(-sum, V(w[b]), z);
        } else {
          if (least_pivot_ > Real(0)) sum = select(sum < V(least_pivot_), V(least_pivot_), sum);
          sum = sqrt(sum);
          w[a] = z / sum;
        }
        L[entry(a, b)] = sum;
      }
    }
  }

  /// weighted <- three steps of conjugate gradients for Q u = residual, from 0.
  GMDIFF_PARTICLE void conjugate_gradients() {
    const Index m = rows();
    for (Index a = 0; a < m; ++a) {
      room_.weighted[a] = V(Real(0));
      room_.p[a] = V(room_.residual[a]);
    }
    for (int step = 0; step < 3; ++step) {
      const V rr = dot(room_.residual, room_.residual, m);
      for (Index a = 0; a < m; ++a) {
        V sum(Real(0));
        for (Index b = 0; b < m; ++b) {
          sum = fma(V(room_.Q[a < b ? entry(b, a) : entry(a, b)]), V(room_.p[b]), sum);
        }
        room_.Qp[a] = sum;
      }
      const V length = ratio(rr, dot(room_.p, room_.Qp, m));
      for (Index a = 0; a < m; ++a) {
        room_.weighted[a] = fma(length, V(room_.p[a]), V(room_.weighted[a]));
        room_.residual[a] = fma(-length, V(room_.Qp[a]), V(room_.residual[a]));
      }
      const V beta = ratio(dot(room_.residual, room_.residual, m), rr);
      for (Index a = 0; a < m; ++a) room_.p[a] = fma(beta, V(room_.p[a]), V(room_.residual[a]));
    }
  }
  /// a / b, and 0 at b = 0: nothing is left to solve.
  GMDIFF_PARTICLE static V ratio(V a, V b) {
    const auto is_zero = b == V(Real(0));
    return select(is_zero, V(Real(0)), a / select(is_zero, V(Real(1)), b));
  }

  // --- the posterior's moments -----------------------------------------------------------------------------

  /// difference <- m_k - D, complete when this returns.
  GMDIFF_PARTICLE void difference(const LevelTable<Real>& level, Index k, Vector x, Vector D) {
    law_.component_mean(level, k, x, room_.rotated, room_.product,
                        [&](Index i, V mean) { room_.difference[i] = mean - V(D[i]); });
    team_.sync();
  }

  /// to <- C v = sum_k r_k [S_k v + (m_k - D) <m_k - D, v>]
  GMDIFF_PARTICLE void multiply_covariance(const StageTable<Real>& stage, Vector x, Vector D, Vector v,
                                           Vector to) {
    const LawTable<Real>& table = law_.table();
    team_.for_each_own(dim(), [&](Index i) { to[i] = V(Real(0)); });
    for (Index k = 0; k < table.num_components; ++k) {
      const V e = law_.weight(k);
      if (is_skipped(e)) continue;
      difference(stage.level, k, x, D);
      const V along = e * dot(room_.difference, v, dim());
      law_.spread(stage.guide.variance, k, v, room_.rotated,
                  [&](Index i, V S_v) { to[i] = fma(along, V(room_.difference[i]), fma(e, S_v, V(to[i]))); });
      team_.sync();
    }
    team_.for_each_own(dim(), [&](Index i) { to[i] = V(to[i]) * inverse_; });
  }

  /// direction <- (1/Q) sum_q u_q <u_q, direction>
  template <class Normal>
  GMDIFF_PARTICLE void average_directions(const StageTable<Real>& stage, std::uint64_t step, Normal normal) {
    const auto Q = static_cast<std::uint64_t>(stage.guide.directions);
    const auto d = static_cast<std::uint64_t>(dim());
    team_.for_each_own(dim(), [&](Index i) { room_.sum[i] = V(Real(0)); });
    for (std::uint64_t q = 0; q < Q; ++q) {
      const std::uint64_t first = (step * Q + q) * d;
      team_.for_each_own(dim(),
                         [&](Index i) { room_.product[i] = normal(first + static_cast<std::uint64_t>(i)); });
      team_.sync();
      const V along = dot(room_.product, room_.direction, dim());
      team_.for_each_own(dim(),
                         [&](Index i) { room_.sum[i] = fma(along, V(room_.product[i]), V(room_.sum[i])); });
      team_.sync();
    }
    team_.for_each_own(dim(),
                       [&](Index i) { room_.direction[i] = V(room_.sum[i]) * V(stage.guide.per_direction); });
    team_.sync();
  }

  Team& team_;
  Law& law_;
  const ObservationTable<Real>& observation_;
  const GuidanceRoom<Vector>& room_;
  Rows A_;
  Products products_;
  V inverse_ = V(Real(0));  // 1 / sum of the weights
  /// Pivots of Q = A C A^T + sigma_y^2 I are at least sigma_y^2. Those of a custom denoiser, whose J may have
  /// negative eigenvalues, are raised to that; 0: none is.
  Real least_pivot_ = Real(0);
};

}  // namespace gmdiff::particle
