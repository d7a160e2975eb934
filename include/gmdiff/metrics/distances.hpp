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

// Distances between sample sets, and between samples and a law (mathematics.md §9). All compute in double. Sets are (n, d) and (m, d), n
// and m >= 1 and possibly different.
//
// Those between sets take a device. On `cpu(threads)` their values do not depend on the number of threads; `reference` has no distances
// of its own and computes as `cpu()` does; `cuda` pays off from some ten thousand points. Between devices and processors the sums and means
// that a distance is made of agree within 1e-12 relative (numerics.md §1). The default is the cpu whether or not there is a GPU, so that a
// figure does not change by a rounding with the machine it was computed on.
//
// Squares neither overflow nor vanish, however large or small the coordinates: a distance is infinite only where it is beyond the largest
// double.
//
// @throws std::invalid_argument for empty or non-finite sets, different dimensions, parameters out of range (named); DeviceError when the
// device is not there, with the reason, or out of memory, with the bytes wanted and free; MemoryError when the host is.

namespace gmdiff {

/// A set of points: rows of an array, or the samples of a run (all rows, of all problems). Of an array with a name it is a view, which
/// must not outlive it; a temporary array is kept, one with several owners (not null) is shared.
/// @throws std::invalid_argument for samples with history: choose a level first.
class PointSet {
 public:
  PointSet(const Points& points) : points_(&points) {}  // NOLINT(google-explicit-constructor): an adaptor
  PointSet(Points&& points)                             // NOLINT(google-explicit-constructor)
      : kept_(std::make_shared<const Points>(std::move(points))), points_(kept_.get()) {}
  explicit PointSet(std::shared_ptr<const Points> points) : kept_(std::move(points)), points_(kept_.get()) {}
  PointSet(const Samples& samples);  // NOLINT(google-explicit-constructor)
  const Points& points() const { return *points_; }

 private:
  std::shared_ptr<const Points> kept_;
  const Points* points_;
};

struct SlicedOptions {
  int p = 1;               ///< order, 1 or 2
  int slices = 100;        ///< number of random directions
  std::uint64_t seed = 0;  ///< of the directions (stream "directions")
  Device device = Device::cpu();
};

/// `slices` unit vectors, uniform on the sphere, shape (slices, d): normalised normals 0 ... d - 1 of stream (seed, index = slice,
/// "directions") in f64.
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

/// Median of the pairwise distances of the pooled sets (i < j; even count: mean of the middle two): the usual bandwidth. Exact;
/// O((n + m)^2 d) time, a few passes; at most 8 MiB of memory and 512 KiB a thread beside a copy of the points. On all cores of the host;
/// it takes no device.
double median_distance(const PointSet& x, const PointSet& y);
/// Unbiased MMD^2 with kernel exp(-|x - y|^2 / (2 bandwidth^2)); may be negative. Without bandwidth: median_distance, which must not be 0
/// and is computed on the host: on a GPU give a bandwidth. n, m >= 2. O((n + m)^2 d) time.
double mmd_squared(const PointSet& x, const PointSet& y, std::optional<double> bandwidth = {},
                   const Device& device = Device::cpu());
/// The same against an exact mixture, in closed form on its side, on the host. n >= 2, bandwidth > 0.
double mmd_squared(const PointSet& x, const Mixture& law, double bandwidth,
                   const Device& device = Device::cpu());
/// Between two mixtures, closed form.
double mmd_squared(const Mixture& p, const Mixture& q, double bandwidth);

enum class EnergyForm { u, v };
/// 2 E|X-Y| - E|X-X'| - E|Y-Y'|; u: pairs i != j (n, m >= 2), unbiased, may be negative; v: all pairs, >= 0. O((n + m)^2 d) time.
double energy_distance(const PointSet& x, const PointSet& y, EnergyForm form = EnergyForm::u,
                       const Device& device = Device::cpu());

struct MomentErrors {
  double mean;        ///< |sample mean - mean|_2
  double covariance;  ///< |sample covariance - Cov|_F / |Cov|_F; not divided where Cov = 0
};
/// Sample covariance with n - 1; n >= 2. @throws std::domain_error when the covariance of the law is beyond the largest double.
MomentErrors moment_errors(const PointSet& x, const Mixture& law);

struct ModeFrequencies {
  Eigen::VectorXd frequencies;  ///< share of points whose largest responsibility is component k, (K)
  Eigen::VectorXd weights;      ///< (K)
  double total_variation;       ///< between the two
};
/// Where the law has no density (a singular component) the responsibilities are those of the law blurred by 1e-6 of its standard
/// deviation, their limit for points on its support.
ModeFrequencies mode_frequencies(const PointSet& x, const Mixture& law);

/// KL(p || q) estimated on samples of p: mean of log p(x_i) - log q(x_i), with its standard error; n >= 2.
/// Infinite where q is too small for a logarithm of it to be a double. @throws std::domain_error where p or q has no density, or log p of a
/// point is below the smallest double.
struct KlEstimate {
  double value;
  double standard_error;
};
KlEstimate kl_divergence(const PointSet& samples_of_p, const Mixture& p, const Mixture& q);
/// KL(N_1 || N_2) in closed form; both mixtures must have one component and the second a nonsingular covariance. Infinite when the first is
/// singular.
double kl_gaussian(const Mixture& p, const Mixture& q);

enum class Metric {
  sliced_wasserstein,
  max_sliced_wasserstein,
  mmd_squared,
  energy_distance,
  moments,
  modes
};

struct JudgeOptions {
  Metric metric = Metric::sliced_wasserstein;
  int p = 1;                             ///< of the Wasserstein metrics, 1 or 2
  int slices = 100;                      ///< of the Wasserstein metrics
  int repeats = 5;                       ///< independent exact draws, 2 ... 2796202
  std::uint64_t seed = 0;                ///< of exact draws and directions
  std::optional<double> bandwidth = {};  ///< of mmd_squared; without: see Judgement
  Device device = Device::
      cpu();  ///< of exact draws (in double) and distances between sets; moments and modes are computed on the host
};

/// A distance to a law beside its noise floor: the distance between two independent exact draws of the same sizes, same directions.
/// Value and floor are means over `repeats`, each with its standard deviation (repeats - 1 in the denominator).
/// - Energy distance is the V-form, whose floor has a positive mean.
/// - MMD^2 is unbiased: about 0 for exact samples, of either sign. Its floor is the mean of |MMD^2| between exact draws, so a ratio
///   between -2 and 2 or so is noise. One bandwidth serves all repeats and does not depend on the judged samples: unless given, the median
///   distance of the floor's first two draws (of the first 1000 of each).
/// - Exact draws are made on the device of the options: those of `reference` and of the others differ by roundings, and the figures by
///   1e-10 relative at most, but for MMD^2 near 0 (numerics.md §1).
/// - Moments and modes compare with the law itself. Against samples value_sd is then 0; the floor is the error of one exact draw.
struct Judgement {
  std::string
      quantity;  ///< sw_1, sw_2, max_sw_1, max_sw_2, mmd_squared, energy_distance, mean_error, covariance_error, total_variation
  double value = 0.0;
  double value_sd = 0.0;
  double floor = 0.0;
  double floor_sd = 0.0;
  double ratio =
      0.0;  ///< value / floor; infinite when only the floor is 0, 1 when both are, NaN when both are infinite
  std::optional<double> bandwidth = {};  ///< that of mmd_squared
};
/// One entry; two (mean_error, covariance_error) for `Metric::moments`. Exact draws have as many points as `x` and come from the streams
/// of numerics.md §5 with replicate >= 1: never those of a run with the same seed. At least 2 points for mmd_squared and moments.
std::vector<Judgement> judge(const PointSet& x, const Mixture& law, const JudgeOptions& options = {});
/// What `judge` gives for each set alone, with the exact draws and the floor computed once: several samplers of one law. All sets have as
/// many points.
std::vector<std::vector<Judgement>> judge_each(std::span<const PointSet> sets, const Mixture& law,
                                               const JudgeOptions& options = {});
/// Both sides exact, `count` draws each: p is judged against the law q, whose draws make the floor.
std::vector<Judgement> judge(const Mixture& p, const Mixture& q, std::int64_t count,
                             const JudgeOptions& options = {});

/// Noise floor of W_1 of one slice: sqrt(2/pi) sqrt(1/n + 1/m) int sqrt(F(1-F)) dx, F the cdf of a one-dimensional mixture
/// (`Mixture::project`). The integral to about 1e-12 relative, however far apart the modes and however small their variances (0 too).
double wasserstein_floor(const Mixture& projected, std::int64_t n, std::int64_t m);

}  // namespace gmdiff
