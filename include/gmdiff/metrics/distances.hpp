#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/device/device.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/target_law.hpp>

// Distances between sample sets, and between samples and a law (mathematics.md §9). All of them compute in
// double. Sets have shapes (n, d) and (m, d), with n and m >= 1 and possibly different.
//
// Distances between sets take a device. On `cpu(threads)` their values do not depend on the number of
// threads; `reference` has no distances of its own and computes as `cpu()` does; `cuda` pays off from some
// ten thousand points. The sums and means that distances are built from agree within 1e-12 relative between
// devices and processors (numerics.md §1). The default is the cpu even where a GPU is available, so that a
// figure does not change by a rounding from machine to machine.
//
// Squares neither overflow nor underflow, however large or small the coordinates are: a distance is infinite
// only if its value is beyond the largest double.
//
// @throws std::invalid_argument for empty or non-finite sets, different dimensions, parameters out of range
//   (named); DeviceError when the device is not available (with the reason) or out of memory (with the bytes
//   wanted and free); MemoryError when the host is out of memory.

namespace gmdiff {

/// A set of points: the rows of an array, or the samples of a run (all rows of all problems). A named array
/// is viewed and must outlive the set; a temporary array is moved into the set; a shared array (not null) is
/// shared.
/// @throws std::invalid_argument for samples with history: choose a level first.
class PointSet {
 public:
  PointSet(const Points& points) : points_(&points) {}  // NOLINT(google-explicit-constructor): an adaptor
  PointSet(Points&& points)                             // NOLINT(google-explicit-constructor)
      : kept_(std::make_shared<const Points>(std::move(points))), points_(kept_.get()) {}
  explicit PointSet(std::shared_ptr<const Points> points) : kept_(std::move(points)), points_(kept_.get()) {}
  PointSet(const Samples& samples);  // NOLINT(google-explicit-constructor)
  const Points& points() const { return *points_; }

  /// Returns a copy with weights (n), finite and >= 0, of positive sum, which need not be normalised. `judge`
  /// uses them for moments and, with a mixture, for sliced distances and mode weights, and refuses them
  /// elsewhere; the floor stays that of n exact draws. The distances below take weights as an argument and do
  /// not read these.
  PointSet with_weights(std::vector<double> weights) const {
    PointSet set = *this;
    set.weights_ = std::make_shared<const std::vector<double>>(std::move(weights));
    return set;
  }
  /// Empty when all points weigh the same.
  std::span<const double> weights() const {
    return weights_ == nullptr ? std::span<const double>() : std::span<const double>(*weights_);
  }

 private:
  std::shared_ptr<const Points> kept_;
  const Points* points_;
  std::shared_ptr<const std::vector<double>> weights_ = {};
};

struct SlicedOptions {
  int p = 1;               ///< order, 1 or 2
  int slices = 100;        ///< number of random directions
  std::uint64_t seed = 0;  ///< seed of the directions (stream "directions")
  Device device = Device::cpu();
};

/// `slices` unit vectors, uniform on the sphere, shape (slices, d): row s holds normals 0 ... d - 1 of stream
/// (seed, index = s, "directions") in f64, normalised.
Points random_directions(Eigen::Index dim, int slices, std::uint64_t seed);
/// W_p^p of the one-dimensional sets x (n) and y (m), p = 1 or 2. O(n log n + m log m).
double wasserstein_1d(std::span<const double> x, std::span<const double> y, int p);
/// W_p^p of <u, x> and <u, y> for every row u of `directions` (slices, d), shape (slices).
Eigen::VectorXd slice_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                                  const Device& device = Device::cpu());
/// SW_p = (mean over directions of W_p^p)^(1/p).
double sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options = {});
/// The same along given directions (slices, d).
double sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                          const Device& device = Device::cpu());
/// Maximum of W_p over the same directions.
double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const SlicedOptions& options = {});
/// The same along given directions (slices, d).
double max_sliced_wasserstein(const PointSet& x, const PointSet& y, const Points& directions, int p,
                              const Device& device = Device::cpu());

// Distances to the law of a mixture need no draws from it: along a direction u, the law of <u, X> is a
// one-dimensional mixture, and W_p to it is in closed form (mathematics.md §9.1). They have no noise of their
// own. The points may have weights (n), finite and >= 0, which need not be normalised; without any, all
// points weigh the same. Relative to E <u, X - mean>^2 the error of W_2^2 is about 1e-15, so that W_2 of
// points that are much nearer to the law than exact draws has fewer digits.

/// W_p^p of <u, x> to the law of <u, X> for every row u of `directions` (slices, d), shape (slices).
Eigen::VectorXd slice_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                                  const Device& device = Device::cpu(), std::span<const double> weights = {});
/// SW_p to the law.
double sliced_wasserstein(const PointSet& x, const Mixture& law, const SlicedOptions& options = {},
                          std::span<const double> weights = {});
double sliced_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                          const Device& device = Device::cpu(), std::span<const double> weights = {});
/// Maximum of W_p to the law over the same directions.
double max_sliced_wasserstein(const PointSet& x, const Mixture& law, const SlicedOptions& options = {},
                              std::span<const double> weights = {});
double max_sliced_wasserstein(const PointSet& x, const Mixture& law, const Points& directions, int p,
                              const Device& device = Device::cpu(), std::span<const double> weights = {});

/// Expectation of W_1 between n independent draws of the law and the law itself along every row of
/// `directions` (slices, d), shape (slices): the noise floor of `slice_wasserstein` for p = 1. Its mean is
/// the floor of `sliced_wasserstein`. A quadrature of int E|B / n - F| dx, B binomial (n, F), on the host,
/// without draws; its relative error is below 1e-6.
Eigen::VectorXd slice_wasserstein_floor(const Mixture& law, std::int64_t n, const Points& directions);

/// Median of the pairwise distances of the pooled sets (i < j; for an even count the mean of the middle two),
/// the usual bandwidth. Exact. Takes O((n + m)^2 d) time in a few passes, and besides a copy of the points at
/// most 8 MiB of memory and 512 KiB per thread. Runs on all cores of the host and takes no device.
double median_distance(const PointSet& x, const PointSet& y);
/// Unbiased MMD^2 with kernel exp(-|x - y|^2 / (2 bandwidth^2)); may be negative; n, m >= 2; O((n + m)^2 d)
/// time. The default bandwidth is median_distance, which must not be 0. It is computed on the host, so give a
/// bandwidth when you use a GPU.
double mmd_squared(const PointSet& x, const PointSet& y, std::optional<double> bandwidth = {},
                   const Device& device = Device::cpu());
/// MMD^2 between points and an exact mixture: expectations over the mixture are in closed form, on the host.
/// n >= 2, bandwidth > 0.
double mmd_squared(const PointSet& x, const Mixture& law, double bandwidth,
                   const Device& device = Device::cpu());
/// MMD^2 between two mixtures, in closed form.
double mmd_squared(const Mixture& p, const Mixture& q, double bandwidth);

/// The MMD of papers on variational sampling (mathematics.md §9), not squared and with other terms than
/// `mmd_squared`: i = j is among the pairs of the sums within a set and of the median that is the bandwidth.
/// n, m >= 2. The bandwidth, which must not be 0, is computed on the host.
double mmd_vsm(const PointSet& x, const PointSet& y, const Device& device = Device::cpu());

struct SinkhornOptions {
  /// Regularisation in the units of |x - y|^2; by default `relative_epsilon` times its mean over all pairs of
  /// x and y.
  std::optional<double> epsilon = {};
  double relative_epsilon = 0.05;
  double tolerance = 1e-6;    ///< of the marginals, checked every 10 iterations; >= 0
  int max_iterations = 2000;  ///< >= 1, of each of the three terms
};
/// S = OT(x, y) - OT(x, x)/2 - OT(y, y)/2 with one epsilon in the three terms.
struct SinkhornDivergence {
  double value = 0.0;                                    ///< >= 0 up to the tolerance
  double epsilon = 0.0;                                  ///< 0 if all points are equal, and the value is 0
  double between = 0.0, within_x = 0.0, within_y = 0.0;  ///< OT(x, y), OT(x, x), OT(y, y)
  int iterations = 0;                                    ///< the most of the three terms
  double error = 0.0;  ///< the largest mean error of their marginals; above the tolerance: not converged
  Eigen::VectorXd f = {}, g = {};  ///< (n), (m): potentials of OT(x, y); f + c and g - c are as good
};
/// The Sinkhorn divergence with cost |x - y|^2 (mathematics.md §9.2). Takes 16 max(n, m)^2 bytes, and time
/// O(n m d) plus O(n m) for each iteration. Its bits do not depend on the number of threads.
/// @param device Its host threads compute; a device without any computes on all cores of the host.
/// @throws std::invalid_argument also for an epsilon beyond [1e-6, 1e6] times the mean cost.
SinkhornDivergence sinkhorn_divergence(const PointSet& x, const PointSet& y,
                                       const SinkhornOptions& options = {},
                                       const Device& device = Device::cpu());

enum class EnergyForm { u, v };
/// 2 E|X-Y| - E|X-X'| - E|Y-Y'| in O((n + m)^2 d) time. Form u takes pairs i != j (n, m >= 2), is unbiased
/// and may be negative; form v takes all pairs and is >= 0.
double energy_distance(const PointSet& x, const PointSet& y, EnergyForm form = EnergyForm::u,
                       const Device& device = Device::cpu());

/// Errors of mean and covariance. The first two are in the units of the coordinates, so directions of small
/// variance, such as observed ones, hardly count. The whitened errors weigh all directions alike: with
/// `L L^T = Cov`, they are those of `L^-1 x`, and do not change under invertible linear maps. A mean that is
/// wrong by 0.1 standard deviations has a whitened error of 0.1; variances that are wrong by 10 % in all
/// directions have one of 0.1.
struct MomentErrors {
  double mean;        ///< |sample mean - mean|_2
  double covariance;  ///< |sample covariance - Cov|_F / |Cov|_F; the numerator alone where Cov = 0
  /// |L^-1 (sample mean - mean)|_2 in the directions in which the law varies: eigenvalues of Cov up to 1e-12
  /// of the largest count as 0. 0 if there are none.
  double whitened_mean;
  /// |L^-1 (sample covariance) L^-T - I|_F / |I|_F in the same directions. 0 if there are none.
  double whitened_covariance;
};
/// The sample covariance is divided by n - 1; n >= 2. @throws std::domain_error when the covariance of the
/// law is beyond the largest double.
MomentErrors moment_errors(const PointSet& x, const Mixture& law);

struct ModeFrequencies {
  Eigen::VectorXd frequencies;  ///< share of points whose largest responsibility is that of component k, (K)
  Eigen::VectorXd weights;      ///< (K)
  double total_variation;       ///< between the two
};
/// Where the law has no density (a singular component), the responsibilities are those of the law blurred by
/// 1e-6 of its standard deviation, which is their limit for points on its support.
ModeFrequencies mode_frequencies(const PointSet& x, const Mixture& law);

struct ModeWeights {
  /// mean responsibility of component k over the points, (K): unbiased for the weight of the component where
  /// the points are exact draws
  Eigen::VectorXd estimates;
  Eigen::VectorXd weights;  ///< (K)
  double total_variation;   ///< between the two
};
/// Estimates the weights of the law's components. Unlike `mode_frequencies` the estimates are unbiased where
/// components overlap. The mean is weighted by `point_weights` (n), for example of particles of SMC; empty:
/// all equal. Singular components are treated as by `mode_frequencies`.
/// @throws std::invalid_argument also for a wrong number of point weights, a negative or non-finite one, and
///   a sum of 0.
ModeWeights mode_weights(const PointSet& x, const Mixture& law, std::span<const double> point_weights = {});

/// Entropy of mode coverage, -sum_m p_m log p_m / log M with the shares p_m of M >= 2 modes: 1 for equal
/// shares, 0 if one mode has all points. n exact draws of equal modes have 1 - (M - 1) / (2 n log M), up to
/// terms of order 1 / n^2.
/// @param counts points of each mode, >= 0 and not all 0
double mode_coverage(std::span<const std::int64_t> counts);
/// Coverage of a mixture's components by points x (n, d). A point counts for the component of positive weight
/// with the largest density there. Singular components are treated as by `mode_frequencies`.
double mode_coverage(const PointSet& x, const Mixture& law);
/// Coverage of a target's modes by points x (n, d). The modes of a `ManyWell` (delta > 0) are the 2^wells
/// signs of the wells' coordinates, those of a `StudentTMixture` its components.
/// @throws std::invalid_argument for other targets.
double mode_coverage(const PointSet& x, const Target& target);

/// KL(p || q) estimated from samples of p: the mean of log p(x_i) - log q(x_i) and its standard error;
/// n >= 2. Infinite where log q is below the smallest double. @throws std::domain_error where p or q has no
/// density, or log p of a point is below the smallest double.
struct KlEstimate {
  double value;
  double standard_error;
};
KlEstimate kl_divergence(const PointSet& samples_of_p, const Mixture& p, const Mixture& q);
/// KL(N_1 || N_2) in closed form; both mixtures must have one component, and the second a nonsingular
/// covariance. Infinite when the first is singular.
double kl_gaussian(const Mixture& p, const Mixture& q);

enum class Metric {
  sliced_wasserstein,
  max_sliced_wasserstein,
  mmd_squared,
  energy_distance,
  moments,
  modes,
  mode_weights,
  sinkhorn,
  mode_coverage,
  mmd_vsm
};

/// A law that samples are judged against: a mixture, or the law of a target. It refers to the object, which
/// must outlive it.
class ReferenceLaw {
 public:
  ReferenceLaw(const Mixture& mixture) : mixture_(&mixture) {}  // NOLINT(google-explicit-constructor)
  ReferenceLaw(const TargetLaw& target) : target_(&target) {}   // NOLINT(google-explicit-constructor)

  Eigen::Index dim() const { return mixture_ != nullptr ? mixture_->dim() : target_->dim(); }
  const Mixture* mixture() const { return mixture_; }  ///< null for the law of a target
  const TargetLaw* target() const { return target_; }  ///< null for a mixture

 private:
  const Mixture* mixture_ = nullptr;
  const TargetLaw* target_ = nullptr;
};

struct JudgeOptions {
  Metric metric = Metric::sliced_wasserstein;
  int p = 1;               ///< order of the Wasserstein metrics, 1 or 2
  int slices = 100;        ///< number of directions of the Wasserstein metrics
  int repeats = 5;         ///< number of sets of exact draws, where any are made, 2 ... 2796202
  std::uint64_t seed = 0;  ///< seed of exact draws and directions
  bool spread = false;     ///< gives Judgement::spread of a Wasserstein metric; take 20 repeats or more
  std::optional<double> bandwidth = {};  ///< bandwidth of mmd_squared; for the default see Judgement
  SinkhornOptions sinkhorn = {};         ///< of the metric sinkhorn
  /// Device of exact draws (in double) and of distances between sets; moments, modes and mode weights are
  /// computed on the host.
  Device device = Device::cpu();
};

/// The 5 % and 95 % quantiles of the ratio over `repeats` sets of exact draws, interpolated between the order
/// statistics.
struct RatioSpread {
  double low = 0.0;
  double high = 0.0;
};

/// How far the iterations of Sinkhorn divergences went.
struct SinkhornReport {
  int iterations = 0;     ///< the most
  double error = 0.0;     ///< the largest
  bool converged = true;  ///< whether all errors are within the tolerance
};

/// A distance to a law and its noise floor, which is the mean distance of as many exact draws.
/// - Wasserstein metrics, moments, modes and mode weights compare with the mixture itself, so for samples the
///   value is exact and value_sd is 0. The floor of sw_1 is an expectation (slice_wasserstein_floor). Other
///   floors are means over `repeats` sets of exact draws. floor_sd is the standard deviation of these sets
///   (repeats - 1 in the denominator), and 0 where none are drawn.
/// - MMD^2 and the energy distance compare with exact draws: value and floor are means over `repeats`, and
///   the floor is the distance between two independent sets of draws.
/// - The law of a target has no closed form along a direction, so there Wasserstein metrics compare with exact
///   draws, too. It has no components either, so modes and mode weights are an error.
/// - The Sinkhorn divergence and the MMD of variational sampling compare with exact draws, too. Each
///   divergence has its own epsilon, unless one is given, and each MMD its own bandwidth, as in the papers.
/// - The mode coverage is no distance: 1 is even coverage, the floor is that of exact draws, and missing
///   modes make the ratio smaller than 1.
/// - The energy distance is the V-form, whose floor has a positive mean.
/// - MMD^2 is unbiased, so for exact samples it is about 0 with either sign. Its floor is the mean of
///   |MMD^2| between exact draws; a ratio between about -2 and 2 is noise. One bandwidth serves all repeats
///   and does not depend on the judged samples: by default it is the median distance of the floor's first two
///   draws (of the first 1000 points of each).
/// - Exact draws are made on the device of the options. Draws of `reference` differ from those of the other
///   devices by roundings, and the figures by at most 1e-10 relative, except for MMD^2 near 0
///   (numerics.md §1).
struct Judgement {
  /// sw_1, sw_2, max_sw_1, max_sw_2, mmd_squared, energy_distance, mean_error, covariance_error,
  /// whitened_mean_error, whitened_covariance_error, total_variation (of modes), mode_weight_error, sinkhorn,
  /// mode_coverage, mmd_vsm
  std::string quantity;
  double value = 0.0;
  double value_sd = 0.0;
  double floor = 0.0;
  double floor_sd = 0.0;
  /// value / floor; infinite when only the floor is 0, 1 when both are 0, NaN when both are infinite
  double ratio = 0.0;
  std::optional<double> bandwidth = {};    ///< bandwidth of mmd_squared
  std::optional<RatioSpread> spread = {};  ///< where it is asked for
  /// of sinkhorn: over all divergences of value and floor, of all sets that are judged together
  std::optional<SinkhornReport> sinkhorn = {};
};
/// Judges samples against a law. The result has one entry, or four for `Metric::moments`: mean_error,
/// covariance_error, whitened_mean_error, whitened_covariance_error. Exact draws have as many points as `x`
/// and use the streams of numerics.md §5 with replicate >= 1, so they are independent of a run with the same
/// seed. mmd_squared and moments need at least 2 points.
std::vector<Judgement> judge(const PointSet& x, const ReferenceLaw& law, const JudgeOptions& options = {});
/// Gives for each set the result of `judge`, but computes the exact draws and the floor once, for example to
/// compare several samplers of one law. All sets have the same number of points.
std::vector<std::vector<Judgement>> judge_each(std::span<const PointSet> sets, const ReferenceLaw& law,
                                               const JudgeOptions& options = {});
/// Judges `repeats` sets of `count` exact draws of p against the law q: the value is their mean and value_sd
/// their standard deviation.
std::vector<Judgement> judge(const ReferenceLaw& p, const ReferenceLaw& q, std::int64_t count,
                             const JudgeOptions& options = {});

/// Noise floor of W_1 of one slice: sqrt(2/pi) sqrt(1/n + 1/m) int sqrt(F(1-F)) dx, where F is the cdf of a
/// one-dimensional mixture (`Mixture::project`). The integral is accurate to about 1e-12 relative, however
/// far apart the modes and however small their variances (0 included).
double wasserstein_floor(const Mixture& projected, std::int64_t n, std::int64_t m);

}  // namespace gmdiff
