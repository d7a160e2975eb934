#include "model/covariance_check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/check.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Asymmetry that is always allowed for doubles, whatever the size and the conditioning.
constexpr double least_asymmetry = 1e-12;
constexpr double least_negative_eigenvalue = 1e-10;
constexpr double least_orthonormality_error = 1e-10;
// A larger error is a mistake in any type.
constexpr double most = 1e-5;

// Rounding error of a sum of d products: the errors add up at random, with a margin.
double rounding_of_products(Index dim, double precision) {
  return std::min(4.0 * std::sqrt(static_cast<double>(dim)) * precision, most);
}

// Rounding error of an inverse, which is larger by the condition number. A condition number beyond 1 /
// sqrt(precision) cannot be read off the result, whose smallest eigenvalues then consist of rounding errors.
double rounding_of_an_inverse(const VectorXd& l, double precision) {
  const double smallest = std::abs(l.minCoeff());
  const double condition =
      smallest > 0.0 ? std::max(1.0, l.maxCoeff() / smallest) : std::numeric_limits<double>::infinity();
  return rounding_of_products(l.size(), std::min(precision * condition, std::sqrt(precision)));
}

// Formats a number with the fewest digits that read back as the same number, so that different numbers look
// different.
std::string shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

void check_symmetry(const MatrixXd& S, double of_products, double of_an_inverse, const std::string& name) {
  const double everywhere = std::max(least_asymmetry, of_products) * S.cwiseAbs().maxCoeff();
  const VectorXd roots = S.diagonal().cwiseAbs().cwiseSqrt();
  for (Index j = 0; j < S.cols(); ++j) {
    for (Index i = j + 1; i < S.rows(); ++i) {
      const double tolerance = std::max(everywhere, of_an_inverse * roots(i) * roots(j));
      require(std::abs(S(i, j) - S(j, i)) <= tolerance, name, " is not symmetric (entries (", i, ", ", j,
              ") and (", j, ", ", i, ") are ", shortest(S(i, j)), " and ", shortest(S(j, i)),
              ", rounding explains a difference of ", scientific(tolerance), ")");
    }
  }
}

}  // namespace

void check_covariance(const MatrixXd& given, const VectorXd& l, double relative_precision,
                      const std::string& name) {
  require(relative_precision > 0.0 && relative_precision < 1.0, name, " has numbers of relative precision ",
          relative_precision, ", expected a number in (0, 1)");
  const double precision = std::max(relative_precision, std::numeric_limits<double>::epsilon());
  const double of_an_inverse = rounding_of_an_inverse(l, precision);
  check_symmetry(given, rounding_of_products(l.size(), precision), of_an_inverse, name);
  const double largest = l.cwiseAbs().maxCoeff();
  require(l.minCoeff() >= -std::max(least_negative_eigenvalue, of_an_inverse) * largest, name,
          " is not positive semidefinite (smallest eigenvalue ", scientific(l.minCoeff()), ", largest ",
          scientific(l.maxCoeff()), ")");
}

bool is_semidefinite_in_double(const VectorXd& l) {
  return l.minCoeff() >= -least_negative_eigenvalue * l.cwiseAbs().maxCoeff();
}

double largest_orthonormality_error(Index dim, double relative_precision) {
  return std::max(least_orthonormality_error, rounding_of_products(dim, relative_precision));
}

// Halved first: the sum of two large entries may overflow.
MatrixXd symmetrised(const MatrixXd& matrix) { return 0.5 * matrix + 0.5 * matrix.transpose(); }

std::string scientific(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1e", value);
  return text.data();
}

}  // namespace gmdiff
