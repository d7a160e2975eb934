#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <Eigen/LU>

#include <gtest/gtest.h>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>
#include <gmdiff/model/observation.hpp>
#include <gmdiff/sampler/problem.hpp>

#include "support/expect_invalid.hpp"
#include "support/mixtures.hpp"
#include "unit/io_support.hpp"

// Covariances that rounding has left slightly asymmetric or indefinite (mathematics.md §2.5).

namespace gmdiff::test {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

constexpr double float_precision = std::numeric_limits<float>::epsilon();

/// Q diag(1 ... d) Q^T, or the same with the upper half of the eigenvalues 0. Every operation is in float32,
/// and sums of mirrored entries have different orders.
MatrixXd float_product(Index d, std::uint64_t seed, bool low_rank = false) {
  const MatrixXf Q = orthogonal(d, seed, 5).cast<float>();
  MatrixXf S(d, d);
  for (Index i = 0; i < d; ++i) {
    for (Index j = 0; j < d; ++j) {
      float sum = 0.0F;
      for (Index n = 0; n < d; ++n) {
        const Index k = i < j ? n : d - 1 - n;
        const float l = low_rank && 2 * k >= d ? 0.0F : static_cast<float>(k + 1);
        sum += Q(i, k) * l * Q(j, k);
      }
      S(i, j) = sum;
    }
  }
  return S.cast<double>();
}

/// The inverse of a symmetric matrix of this condition number, as LU factors give it.
MatrixXd inverse_of_condition(double condition, Index d, std::uint64_t seed) {
  VectorXd l(d);
  for (Index i = 0; i < d; ++i)
    l(i) = std::pow(condition, -static_cast<double>(i) / static_cast<double>(d - 1));
  return MatrixXd(dense(orthogonal(d, seed, 5), l)).partialPivLu().inverse();
}

double asymmetry(const MatrixXd& S) {
  return (S - S.transpose()).cwiseAbs().maxCoeff() / S.cwiseAbs().maxCoeff();
}

Covariance with_precision(Covariance covariance, double precision) {
  covariance.relative_precision = precision;
  return covariance;
}

Mixture single(const Covariance& covariance, Index d) { return {{1.0}, Points::Zero(1, d), covariance}; }

LinearObservation observation(const MatrixXd& R, double precision) {
  return {MatrixXd::Identity(R.rows(), R.rows()), VectorXd::Zero(R.rows()), R, precision};
}

void write_npy(const std::filesystem::path& file, const std::vector<std::int64_t>& shape, const MatrixXd& S,
               Precision precision) {
  NpyWriter writer(file, shape, precision, false);
  const Points rows = S;
  const std::vector<float> single(rows.data(), rows.data() + rows.size());
  if (precision == Precision::f32) {
    writer.append(std::span(single));
  } else {
    writer.append(std::span(rows.data(), static_cast<std::size_t>(rows.size())));
  }
  writer.commit();
}

TEST(CovarianceRounding, ProductsInFloat32AreCovariances) {
  for (const Index d : {3, 6, 64, 200}) {
    const MatrixXd S = float_product(d, 7);
    ASSERT_GT(asymmetry(S), 1e-9) << d;

    const Mixture tied = single(with_precision(Covariance::tied(S), float_precision), d);
    const Mixture full = single(with_precision(Covariance::full({S}), float_precision), d);

    const MatrixXd mean = 0.5 * S + 0.5 * S.transpose();
    EXPECT_EQ(tied.component_covariance(0), mean) << d;
    EXPECT_EQ(full.component_covariance(0), mean) << d;
    EXPECT_EQ(observation(S, float_precision).noise_covariance(), mean) << d;
    expect_invalid([&] { single(Covariance::tied(S), d); }, "Mixture: covariance is not symmetric");
    expect_invalid([&] { observation(S, std::numeric_limits<double>::epsilon()); },
                   "LinearObservation: the noise covariance is not symmetric");
  }
}

TEST(CovarianceRounding, AFileOfFloat32KnowsItsType) {
  for (const Index d : {6, 64}) {
    const TemporaryFolder folder;
    const MatrixXd S = float_product(d, 3);
    write_npy(folder / "tied.npy", {d, d}, S, Precision::f32);
    write_npy(folder / "full.npy", {1, d, d}, S, Precision::f32);
    write_npy(folder / "double.npy", {d, d}, S, Precision::f64);
    write_npy(folder / "A.npy", {d, d}, MatrixXd::Identity(d, d), Precision::f32);
    write_npy(folder / "mean.npy", {1, d}, Points::Zero(1, d), Precision::f32);
    write_npy(folder / "y.npy", {d}, Points::Zero(1, d), Precision::f32);
    const auto read = [&](const std::string& type, const std::string& values, const std::string& noise) {
      return parse_problem(R"({"prior": {"weights": [1], "means": "mean.npy", "covariance": {"type": ")" +
                               type + R"(", "values": ")" + values +
                               R"("}}, "observation": {"A": "A.npy", "y": "y.npy", "noise_covariance": ")" +
                               noise + R"("}})",
                           "p", folder / "");
    };

    const MatrixXd mean = 0.5 * S + 0.5 * S.transpose();
    for (const char* type : {"tied", "full"}) {
      const Problem problem = read(type, std::string(type) + ".npy", "tied.npy");
      EXPECT_EQ(problem.prior.component_covariance(0), mean) << type;
      EXPECT_EQ(problem.observation->noise_covariance(), mean) << type;
    }
    expect_invalid([&] { read("tied", "double.npy", "tied.npy"); },
                   "p: prior: Mixture: covariance is not symmetric");
    expect_invalid([&] { read("tied", "tied.npy", "double.npy"); },
                   "p: observation: LinearObservation: the noise covariance is not symmetric");
  }
}

TEST(CovarianceRounding, InversesOfIllConditionedMatricesAreCovariances) {
  for (const Index d : {2, 3, 6, 20, 64}) {
    for (const double condition : {1e4, 1e6, 1e8}) {
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const MatrixXd S = inverse_of_condition(condition, d, 100 + 10 * seed);
        EXPECT_NO_THROW(single(Covariance::full({S}), d))
            << d << " " << condition << ", asymmetry " << asymmetry(S);
        EXPECT_NO_THROW(observation(S, std::numeric_limits<double>::epsilon())) << d << " " << condition;
      }
    }
  }
  ASSERT_GT(asymmetry(inverse_of_condition(1e8, 6, 100)), 1e-12);
}

TEST(CovarianceRounding, ATinyAsymmetryOfAWellConditionedMatrixIsAMistake) {
  const MatrixXd S{{2.0, 0.5, 0.0}, {0.5 + 1e-11, 1.0, 0.2}, {0.0, 0.2, 1.0}};

  expect_invalid([&] { single(Covariance::tied(S), 3); },
                 "(entries (1, 0) and (0, 1) are 0.50000000001 and 0.5, rounding");
}

TEST(CovarianceRounding, NegativeEigenvaluesOfRoundingAre0) {
  for (const Index d : {4, 6, 30}) {
    const MatrixXd S = float_product(d, 5, /*low_rank=*/true);

    const Mixture mixture = single(with_precision(Covariance::tied(S), float_precision), d);

    EXPECT_EQ(mixture.eigenvalues().minCoeff(), 0.0) << d;
    EXPECT_LE((mixture.component_covariance(0) - S).cwiseAbs().maxCoeff(), 1e-5 * S.cwiseAbs().maxCoeff())
        << d;
    EXPECT_NO_THROW(observation(S, float_precision)) << d;
  }
}

TEST(CovarianceRounding, ACovarianceWithoutItsNegativePartStandsForItself) {
  const MatrixXd S{{1.0, 0.0}, {0.0, -2e-6}};

  const Mixture mixture = single(with_precision(Covariance::full({S}), float_precision), 2);

  EXPECT_EQ(mixture.component_covariance(0), (MatrixXd{{1.0, 0.0}, {0.0, 0.0}}));
}

TEST(CovarianceRounding, MistakesAreRefusedInEveryType) {
  for (const double precision : {std::numeric_limits<double>::epsilon(), float_precision, 1e-3}) {
    for (const Index d : {2, 6, 64, 500}) {
      MatrixXd S = d <= 64 ? dense(orthogonal(d, 8), VectorXd::LinSpaced(d, 1.0, 2.0))
                           : MatrixXd(MatrixXd::Identity(d, d));
      if (d > 64 && precision != float_precision) continue;
      S(1, 0) += 1e-4;
      expect_invalid([&] { single(with_precision(Covariance::tied(S), precision), d); },
                     "is not symmetric (entries (1, 0) and (0, 1) are ");
      S(0, 1) = S(1, 0);
      S.row(0).setZero();
      S.col(0).setZero();
      S(0, 0) = -1e-4;
      expect_invalid([&] { observation(S, precision); },
                     "is not positive semidefinite (smallest eigenvalue -1.0e-04, ");
    }
  }
  // The units differ by 1e6; the error is relative to the deviations of the two coordinates.
  expect_invalid(
      [&] {
        single(Covariance::tied(MatrixXd{{1e12, 5e5}, {5.0005e5, 1.0}}), 2);
      },
      "are 500050 and 5e+05, rounding");
}

TEST(CovarianceRounding, BasesInFloat32AreMadeOrthonormal) {
  for (const Index d : {2, 6, 64}) {
    const MatrixXd exact = orthogonal(d, 9);
    const MatrixXd U = exact.cast<float>().cast<double>();
    const VectorXd l = VectorXd::LinSpaced(d, 1.0, 3.0);

    const Mixture mixture = single(with_precision(Covariance::tied_eigen(U, l), float_precision), d);

    const MatrixXd& basis = mixture.bases().front();
    EXPECT_LE((basis.transpose() * basis - MatrixXd::Identity(d, d)).cwiseAbs().maxCoeff(), 1e-14);
    EXPECT_LE((basis - exact).cwiseAbs().maxCoeff(), 1e-6);
    expect_invalid([&] { single(Covariance::tied_eigen(U, l), d); }, "Mixture: basis is not orthonormal");
  }
}

TEST(CovarianceRounding, APrecisionIsANumberBetween0And1) {
  for (const double precision : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    expect_invalid([&] { observation(MatrixXd::Identity(2, 2), precision); },
                   "has numbers of relative precision ");
  }
}

}  // namespace
}  // namespace gmdiff::test
