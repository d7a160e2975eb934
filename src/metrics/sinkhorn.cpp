#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <gmdiff/metrics/distances.hpp>

#include "base/check.hpp"
#include "device/executor.hpp"
#include "device/thread_session.hpp"
#include "metrics/point_set.hpp"
#include "metrics/scale.hpp"
#include "metrics/sinkhorn_kernel.hpp"

// Sinkhorn divergences (mathematics.md §9.2). Potentials are f = epsilon (phi + log a), g = epsilon (gamma +
// log b): the iterations change the scalings a and b by products with a kernel, which holds phi and gamma. A
// scaling that would leave the range of doubles is moved into the potential first.

namespace gmdiff {
namespace {

using Vector = SinkhornKernel::Vector;

constexpr int iterations_per_check = 10;
constexpr double least_epsilon = 1e-6, most_epsilon = 1e6;  // times the mean cost

/// Whether means are so far from the ends of the doubles that their terms have been summed without loss, and
/// their reciprocals are scalings of a few powers of the same size.
bool are_ordinary(const Vector& means) { return means.minCoeff() >= 1e-60 && means.maxCoeff() <= 1e60; }

/// A potential in units of epsilon, with its scaling.
struct Potential {
  explicit Potential(Eigen::Index size) : fixed(Vector::Zero(size)), scaling(Vector::Ones(size)) {}

  Vector total() const { return fixed.array() + scaling.array().log(); }
  void absorb() {
    fixed = total();
    scaling.setOnes();
  }

  Vector fixed, scaling;
};

struct Transport {
  double value = 0.0;  ///< OT in units of epsilon
  int iterations = 0;
  double error = 0.0;
  Vector f, g;  ///< in units of epsilon
};

/// The iterations of one of the three terms.
class Iteration {
 public:
  Iteration(SinkhornKernel& kernel, const SinkhornOptions& options) : kernel_(kernel), options_(options) {}

  Transport between(Eigen::Index n, Eigen::Index m) {
    Potential f(n), g(m);
    return repeat(f, g, [&](bool is_first) {
      if (!is_first && update_both(f, g)) return;
      update_rows(f, g, is_first);
      update_columns(f, g);
    });
  }

  Transport within(Eigen::Index n) {
    Potential f(n);
    return repeat(f, f, [&](bool is_first) { update_symmetric(f, is_first); });
  }

 private:
  template <class Update>
  Transport repeat(const Potential& f, const Potential& g, Update update) {
    Transport result;
    for (int i = 1;; ++i) {
      update(i == 1);
      const bool is_last = i == options_.max_iterations;
      if (i % iterations_per_check != 0 && !is_last) continue;
      const Eigen::ArrayXd marginal = f.scaling.array() * kernel_.row_means(g.scaling).array();
      result.error = (marginal - 1.0).abs().mean();
      // NaN would not end the iterations.
      if (result.error > options_.tolerance && !is_last) continue;
      result.iterations = i;
      result.f = f.total();
      result.g = g.total();
      result.value = result.f.mean() + result.g.mean() - (marginal.mean() - 1.0);
      return result;
    }
  }

  /// The updates of rows and columns by one pass over the kernel. @returns false, with the potentials as they
  /// were, when scalings would leave their range.
  bool update_both(Potential& f, Potential& g) {
    const SinkhornKernel::Means means = kernel_.means(g.scaling);
    if (!are_ordinary(means.rows) || !are_ordinary(means.columns)) return false;
    f.scaling = means.rows.cwiseInverse();
    g.scaling = means.columns.cwiseInverse();
    return true;
  }

  /// f_i = -eps [ logsumexp_j((g_j - C_ij) / eps) - log m ]
  void update_rows(Potential& f, Potential& g, bool is_first) {
    if (!is_first) {
      const Vector means = kernel_.row_means(g.scaling);
      if (are_ordinary(means)) {
        f.scaling = means.cwiseInverse();
        return;
      }
    }
    g.absorb();
    f.fixed = -kernel_.row_log_means(g.fixed);
    f.scaling.setOnes();
    kernel_.set_potentials(f.fixed, g.fixed);
  }

  /// g_j = -eps [ logsumexp_i((f_i - C_ij) / eps) - log n ]
  void update_columns(Potential& f, Potential& g) {
    const Vector means = kernel_.column_means(f.scaling);
    if (are_ordinary(means)) {
      g.scaling = means.cwiseInverse();
      return;
    }
    f.absorb();
    g.fixed = -kernel_.column_log_means(f.fixed);
    g.scaling.setOnes();
    kernel_.set_potentials(f.fixed, g.fixed);
  }

  /// f <- (f + T f) / 2 with the map T of update_rows for g = f
  void update_symmetric(Potential& f, bool is_first) {
    if (!is_first) {
      const Vector means = kernel_.row_means(f.scaling);
      if (are_ordinary(means) && are_ordinary(f.scaling)) {
        f.scaling = (f.scaling.array() / means.array()).sqrt();
        return;
      }
    }
    f.absorb();
    f.fixed = 0.5 * (f.fixed - kernel_.row_log_means(f.fixed));
    kernel_.set_potentials(f.fixed, f.fixed);
  }

  SinkhornKernel& kernel_;
  const SinkhornOptions& options_;
};

void check_options(const SinkhornOptions& options) {
  require(options.tolerance >= 0.0, "sinkhorn_divergence: tolerance must be >= 0, given ", options.tolerance);
  require(options.max_iterations >= 1, "sinkhorn_divergence: max_iterations must be >= 1, given ",
          options.max_iterations);
  require(options.relative_epsilon >= least_epsilon && options.relative_epsilon <= most_epsilon,
          "sinkhorn_divergence: relative_epsilon must be in [", least_epsilon, ", ", most_epsilon,
          "], given ", options.relative_epsilon);
}

/// @param factor of the lengths whose squares are the costs
double choose_epsilon(const SinkhornOptions& options, double mean_cost, double factor) {
  if (!options.epsilon) return options.relative_epsilon * mean_cost;
  const double epsilon = *options.epsilon * factor * factor;
  require(epsilon >= least_epsilon * mean_cost && epsilon <= most_epsilon * mean_cost,
          "sinkhorn_divergence: epsilon must be in [", least_epsilon, ", ", most_epsilon,
          "] times the mean cost ", mean_cost / factor / factor, ", given ", *options.epsilon);
  return epsilon;
}

Transport within(const Points& x, double epsilon, const SinkhornOptions& options, ThreadPool& pool) {
  SinkhornKernel kernel(x, x, pool);
  kernel.divide_costs(epsilon);
  return Iteration(kernel, options).within(x.rows());
}

SinkhornDivergence divergence(const ScaledSets& sets, const SinkhornOptions& options, ThreadPool& pool) {
  double epsilon = 0.0;
  Transport xy;
  {
    SinkhornKernel kernel(sets.x(), sets.y(), pool);
    const double mean_cost = kernel.mean_cost();
    if (mean_cost == 0.0)  // all points are equal
      return {.f = Vector::Zero(sets.x().rows()), .g = Vector::Zero(sets.y().rows())};
    epsilon = choose_epsilon(options, mean_cost, sets.factor());
    kernel.divide_costs(epsilon);
    xy = Iteration(kernel, options).between(sets.x().rows(), sets.y().rows());
  }
  const Transport xx = within(sets.x(), epsilon, options, pool);
  const Transport yy = within(sets.y(), epsilon, options, pool);
  const auto in_given_units = [&](double value) { return value / sets.factor() / sets.factor(); };
  const double unit = in_given_units(epsilon);
  return {.value = in_given_units(epsilon * (xy.value - 0.5 * xx.value - 0.5 * yy.value)),
          .epsilon = unit,
          .between = in_given_units(epsilon * xy.value),
          .within_x = in_given_units(epsilon * xx.value),
          .within_y = in_given_units(epsilon * yy.value),
          .iterations = std::max({xy.iterations, xx.iterations, yy.iterations}),
          .error = std::max({xy.error, xx.error, yy.error}),
          .f = unit * xy.f,
          .g = unit * xy.g};
}

}  // namespace

SinkhornDivergence sinkhorn_divergence(const PointSet& x, const PointSet& y, const SinkhornOptions& options,
                                       const Device& device) {
  check_points("sinkhorn_divergence", x.points(), y.points());
  check_options(options);
  const std::shared_ptr<const Session> given = thread_session(device);
  const std::shared_ptr<const Session> session =
      given->executor().threads() != nullptr ? given : thread_session(Device::cpu());
  return divergence(ScaledSets(x.points(), y.points()), options, *session->executor().threads());
}

}  // namespace gmdiff
