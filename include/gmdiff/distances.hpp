#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <gmdiff/mixture.hpp>
#include <gmdiff/points.hpp>
#include <gmdiff/samples.hpp>

// Distances between sample sets, and between samples and a law (mathematics.md §9). All compute in double; tolerance between
// devices 1e-12 relative. Sets are (n, d) and (m, d), n and m >= 1 and possibly different.
// @throws std::invalid_argument for empty or non-finite sets, different dimensions, parameters out of range (named).

namespace gmdiff {

/// A set of points: rows of an array, or the samples of a run (all rows; no history).
class PointSet {
 public:
  PointSet(Points points) : points_(std::move(points)) {}  // NOLINT(google-explicit-constructor): an adaptor
  PointSet(const Samples& samples);                        // NOLINT(google-explicit-constructor)
  const Points& points() const { return points_; }

 private:
  Points points_;
};

struct SlicedOptions {
  int p = 1;               ///< order, 1 or 2
  int slices = 100;        ///< number of random directions
  std::uint64_t seed = 0;  ///< of the directions (stream "directions")
};

/// `slices` unit vectors, uniform on the sphere, shape (slices, d).
Points random_directions(Eigen::Index dim, int slices, std::uint64_t seed);
/// W_p^p of the one-dimensional sets x (n) and y (m).
double wasserstein_1d(std::span<const double> x, std::span<const double> y, int p);
/// W_p^p along each direction, shape (slices).
Eigen::VectorXd slice_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p);
/// SW_p = (mean over directions of W_p^p)^(1/p).
double sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options = {});
/// Maximum of W_p over the same directions.
double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options = {});

/// Median of the pairwise distances of the pooled sets (i < j; even count: mean of the middle two): the usual bandwidth.
double median_distance(const PointSet& x, const PointSet& y);
/// Unbiased MMD^2 with kernel exp(-|x - y|^2 / (2 bandwidth^2)); may be negative. Without bandwidth: median_distance. n, m >= 2.
double mmd_squared(const PointSet& x, const PointSet& y, std::optional<double> bandwidth = {});
/// The same against an exact mixture, in closed form on its side. n >= 2, bandwidth > 0.
double mmd_squared(const PointSet& x, const Mixture& law, double bandwidth);
/// Between two mixtures, closed form.
double mmd_squared(const Mixture& p, const Mixture& q, double bandwidth);

enum class EnergyForm { u, v };
/// 2 E|X-Y| - E|X-X'| - E|Y-Y'|; u: pairs i != j (n, m >= 2), v: all pairs, >= 0.
double energy_distance(const PointSet& x, const PointSet& y, EnergyForm form = EnergyForm::u);

struct MomentErrors {
  double mean;        ///< |sample mean - mean|_2
  double covariance;  ///< |sample covariance - Cov|_F / |Cov|_F
};
/// n >= 2.
MomentErrors moment_errors(const PointSet& x, const Mixture& law);

struct ModeFrequencies {
  Eigen::VectorXd frequencies;  ///< share of points whose largest responsibility is component k, (K)
  Eigen::VectorXd weights;      ///< (K)
  double total_variation;       ///< between the two
};
ModeFrequencies mode_frequencies(const PointSet& x, const Mixture& law);

/// KL(p || q) estimated on samples of p: mean of log p(x_i) - log q(x_i), with its standard error.
struct KlEstimate {
  double value;
  double standard_error;
};
KlEstimate kl_divergence(const PointSet& samples_of_p, const Mixture& p, const Mixture& q);
/// KL(N_1 || N_2) in closed form; both mixtures must have one component and the second a nonsingular covariance.
double kl_gaussian(const Mixture& p, const Mixture& q);

enum class Metric { sliced_wasserstein, max_sliced_wasserstein, mmd_squared, energy_distance, moments, modes };

struct JudgeOptions {
  Metric metric = Metric::sliced_wasserstein;
  int p = 1;
  int slices = 100;
  int repeats = 5;         ///< independent exact draws, >= 2
  std::uint64_t seed = 0;  ///< of exact draws and directions
};

/// A distance to a law beside its noise floor: the distance between two independent exact draws of the same sizes, same directions.
/// Value and floor are means over `repeats`, each with its standard deviation.
struct Judgement {
  double value;
  double value_sd;
  double floor;
  double floor_sd;
  double ratio;  ///< value / floor
};
/// Exact draws have as many points as `x`. Streams of numerics.md §5, replicate >= 1: never those of a run with the same seed.
Judgement judge(const PointSet& x, const Mixture& law, const JudgeOptions& options = {});
/// Both sides exact, `count` draws each.
Judgement judge(const Mixture& p, const Mixture& q, std::int64_t count, const JudgeOptions& options = {});

/// Noise floor of W_1 of one slice: sqrt(2/pi) sqrt(1/n + 1/m) int sqrt(F(1-F)) dx, F the cdf of a one-dimensional mixture.
double wasserstein_floor(const Mixture& projected, std::int64_t n, std::int64_t m);

}  // namespace gmdiff
