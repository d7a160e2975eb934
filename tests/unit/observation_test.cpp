#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <gmdiff/model/observation.hpp>

#include "support/expect_invalid.hpp"

namespace gmdiff {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using test::expect_invalid;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

const MatrixXd A{{1.0, 0.0, 2.0}, {0.0, 1.0, -1.0}};
const VectorXd y{{0.5, -1.5}};

TEST(LinearObservationTest, KeepsWhatItWasGiven) {
  const LinearObservation observation(A, y, 0.5);

  EXPECT_EQ(observation.A(), A);
  EXPECT_EQ(observation.y(), y);
  EXPECT_TRUE(observation.has_noise_std());
  EXPECT_EQ(observation.noise_std(), 0.5);
  EXPECT_EQ(observation.noise_covariance(), (MatrixXd{{0.25, 0.0}, {0.0, 0.25}}));
}

TEST(LinearObservationTest, ZeroNoiseIsANoiselessObservation) {
  const LinearObservation observation(A, y, 0.0);

  EXPECT_EQ(observation.noise_std(), 0.0);
  EXPECT_EQ(observation.noise_covariance(), (MatrixXd::Zero(2, 2)));
}

TEST(LinearObservationTest, WithACovarianceHasNoStandardDeviation) {
  const MatrixXd R{{1.0, 0.25}, {0.25, 2.0}};

  const LinearObservation observation(A, y, R);

  EXPECT_FALSE(observation.has_noise_std());
  EXPECT_TRUE(std::isnan(observation.noise_std()));
  EXPECT_EQ(observation.noise_covariance(), R);
}

TEST(LinearObservationTest, AcceptsSingularNoise) {
  EXPECT_NO_THROW(LinearObservation(A, y, MatrixXd{{1.0, 1.0}, {1.0, 1.0}}));
  EXPECT_NO_THROW(LinearObservation(A, y, MatrixXd{{1.0, 0.0}, {0.0, 0.0}}));
  EXPECT_NO_THROW(LinearObservation(A, y, MatrixXd(MatrixXd::Zero(2, 2))));
}

TEST(LinearObservationTest, MakesRoundingAsymmetrySymmetric) {
  const double above = std::nextafter(0.25, 1.0);

  const LinearObservation observation(A, y, MatrixXd{{1.0, above}, {0.25, 2.0}});

  EXPECT_EQ(observation.noise_covariance(), observation.noise_covariance().transpose());
  EXPECT_NEAR(observation.noise_covariance()(0, 1), 0.25, 1e-15);
}

TEST(LinearObservationErrors, NameTheShapes) {
  expect_invalid([] { LinearObservation(MatrixXd(0, 3), VectorXd(0), 1.0); },
                 "LinearObservation: A is 0x3, expected at least 1x1");
  expect_invalid([] { LinearObservation(MatrixXd(2, 0), y, 1.0); },
                 "LinearObservation: A is 2x0, expected at least 1x1");
  expect_invalid([] { LinearObservation(A, VectorXd::Zero(3), 1.0); },
                 "LinearObservation: A is 2x3 but y has 3 entries");
  expect_invalid([] { LinearObservation(A, y, MatrixXd(MatrixXd::Identity(3, 3))); },
                 "LinearObservation: the noise covariance is 3x3 but y has 2 entries");
  expect_invalid([] { LinearObservation(A, y, MatrixXd(MatrixXd::Zero(2, 1))); },
                 "LinearObservation: the noise covariance is 2x1 but y has 2 entries");
}

TEST(LinearObservationErrors, NameEntriesThatAreNotFinite) {
  expect_invalid(
      [] {
        LinearObservation(MatrixXd{{1.0, nan}}, VectorXd::Zero(1), 1.0);
      },
      "LinearObservation: entry (0, 1) of A is nan, expected a finite number");
  expect_invalid(
      [] {
        LinearObservation(A, VectorXd{{0.0, -infinity}}, 1.0);
      },
      "LinearObservation: entry 1 of y is -inf, expected a finite number");
  expect_invalid(
      [] {
        LinearObservation(A, y, MatrixXd{{1.0, 0.0}, {infinity, 1.0}});
      },
      "LinearObservation: entry (1, 0) of the noise covariance is inf, expected a finite number");
}

TEST(LinearObservationErrors, NameABadNoiseStandardDeviation) {
  const char* text = ", expected finite and >= 0";
  expect_invalid([] { LinearObservation(A, y, -0.5); },
                 std::string("LinearObservation: noise_std is -0.5") + text);
  expect_invalid([] { LinearObservation(A, y, nan); },
                 std::string("LinearObservation: noise_std is nan") + text);
  expect_invalid([] { LinearObservation(A, y, infinity); },
                 std::string("LinearObservation: noise_std is inf") + text);
}

TEST(LinearObservationErrors, NameWhatIsWrongWithTheCovariance) {
  expect_invalid(
      [] {
        LinearObservation(A, y, MatrixXd{{1.0, 0.5}, {0.25, 1.0}});
      },
      "LinearObservation: the noise covariance is not symmetric (entries (1, 0) and (0, 1) are 0.25 and 0.5, "
      "rounding explains a "
      "difference of 1.0e-12)");
  expect_invalid(
      [] {
        LinearObservation(A, y, MatrixXd{{1.0, 2.0}, {2.0, 1.0}});
      },
      "LinearObservation: the noise covariance is not positive semidefinite (smallest eigenvalue -1.0e+00, "
      "largest 3.0e+00)");
  expect_invalid(
      [] {
        LinearObservation(A, y, MatrixXd{{1.0, 0.0}, {0.0, -2.5}});
      },
      "LinearObservation: the noise covariance is not positive semidefinite (smallest eigenvalue -2.5e+00, "
      "largest 1.0e+00)");
}

}  // namespace
}  // namespace gmdiff
