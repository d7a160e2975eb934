#pragma once

#include <optional>

#include <gmdiff/plan/plan.hpp>

// The rows of mathematics.md §10: one function per guided method, at one level.

namespace gmdiff::guidance {

/// Guidance after an evaluation D = D(x; level): a stage computes g = C A^T w(y - A D). Then D becomes D + g
/// or, where `factor` is set, the step adds factor J A^T w to the state. A stage without covariance leaves
/// both C and J out.
struct Row {
  Guide stage;
  std::optional<double> factor = {};
};

/// J = jacobian_factor C: the derivative of D with respect to x_t (§10.1).
double jacobian_factor(const Level& level);

/// r^2 = sigma^2 tau2 / (sigma^2 + alpha^2 tau2), the variance of x_0 given x_t for the prior N(mu, tau2 I).
double isotropic_variance(const Level& level, double tau2);

/// Whether the weight of a stage contains A C A^T.
bool reads_moments(const Guide& stage);

Row row(const Tmp& method, const Level& level);
Row row(const Pigdm& method, const Level& level);
Row row(const PigdmAlgorithm1& method, const Level& level);
Row row(const Dps& method, const Level& level);
Row row(const DpsLikelihood& method, const Level& level);
Row row(const DpsGsg& method, const Level& level);

/// @throws std::invalid_argument for a parameter out of range, and for an observation without the noise
///   that the method needs.
void check(const GuidedSampler& method, const LinearObservation& observation);
/// @throws std::invalid_argument for a parameter out of range, and for a method without a form for maps.
void check(const GuidedSampler& method, const NonlinearObservation& observation);
/// @throws std::invalid_argument for a method that needs more than D and J^T v, and for a denoiser without
///   the product J^T v that the method needs.
void check(const GuidedSampler& method, const Denoiser& denoiser);

/// Whether the method weights the rows of A as given; the other methods use the rows of its decomposition.
bool needs_given_rows(const GuidedSampler& method);

/// The observation in the form that guidance stages read.
/// @throws std::invalid_argument when A does not have d columns, A = 0, or R is singular and not 0.
GuidanceTable table(const LinearObservation& observation, Eigen::Index dim, bool given_rows);
/// @param whitened whether the rows are multiplied by L^-1, R = L L^T
/// @throws std::invalid_argument for a map of points of another dimension than d, and for a `CustomMap`.
GuidanceTable table(const NonlinearObservation& observation, Eigen::Index dim, bool whitened);

}  // namespace gmdiff::guidance
