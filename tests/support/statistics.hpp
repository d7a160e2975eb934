#pragma once

#include <vector>

#include <Eigen/Core>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/mixture.hpp>

// The rig of the statistical tests: p-values from each statistic's own distribution, corrected for the number
// of tests. Seeds are fixed, so a test that passes once always passes; a bound on p near 1e-6 limits how
// unlikely its numbers may be.

namespace gmdiff::test {

/// Family-wise bound of every statistical test.
constexpr double least_p = 1e-6;

/// P(sup |F_n - F| >= observed) for n independent values with cdf F, given F at each value in any order:
/// Kolmogorov's asymptotic law with the correction of Stephens (1970).
double kolmogorov_smirnov_p(std::vector<double> cdf_values);

/// P(chi^2 with `degrees` of freedom >= statistic).
double chi_square_p(double statistic, double degrees);

/// P of Pearson's statistic for counts in cells of the given probabilities (sum 1; each n p_i should be 5 or
/// more).
double chi_square_p(const Eigen::VectorXd& counts, const Eigen::VectorXd& probabilities);

/// P(|Z| >= |z|) for a standard normal Z.
double normal_two_sided_p(double z);

/// p-value of the mean of independent values, with their own standard error.
double mean_p(const Eigen::VectorXd& values, double expected);

/// p-value of the sample variance of independent normal values, from chi^2 in its normal approximation.
double variance_p(const Eigen::VectorXd& values, double expected);

/// p-value of a family of tests, any dependence: the smallest p times the number of tests, at most 1
/// (Bonferroni; the first step of Holm).
double family_wise_p(const std::vector<double>& p_values);

/// Smallest and largest count that a band contains; a count is outside with probability at most `outside`, in
/// equal parts.
struct CountBand {
  int low, high;
  bool contains(int count) const { return low <= count && count <= high; }
};

/// Band of a Binomial(n, p).
CountBand binomial_band(int n, double p, double outside);

/// P(B outside the band) of B ~ Binomial(n, p).
double binomial_outside(int n, double p, const CountBand& band);

/// Band of the number of `n` values above the `rank`-th largest of `calibration` values, where all of them
/// are independent and have one continuous law, whatever it is: the expected share is
/// rank / (calibration + 1).
CountBand exceedance_band(int calibration, int rank, int n, double outside);

/// Compares sample mean and covariance with those of the law: returns the largest |z| over all entries, with
/// standard errors from the sample itself.
double largest_moment_z(const Points& samples, const Eigen::VectorXd& mean,
                        const Eigen::MatrixXd& covariance);

/// `count` unit vectors in the plane at equal angles, shape (count, 2).
Points directions_in_the_plane(int count);

}  // namespace gmdiff::test
