// Contours, regions of highest density, and views of laws.

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "support/expect_invalid.hpp"
#include "report/contours.hpp"
#include "report/density.hpp"
#include "report/view.hpp"

namespace gmdiff::report {
namespace {

using test::expect_invalid;

/// The values of a function on [-2, 2]^2.
template <class Function>
GridValues grid_of(int nodes, Function function) {
  GridValues grid;
  for (int i = 0; i < nodes; ++i) grid.x.push_back(-2.0 + 4.0 * i / (nodes - 1));
  grid.y = grid.x;
  grid.values.resize(nodes, nodes);
  for (int i = 0; i < nodes; ++i) {
    for (int j = 0; j < nodes; ++j)
      grid.values(i, j) = function(grid.x[static_cast<std::size_t>(j)], grid.y[static_cast<std::size_t>(i)]);
  }
  return grid;
}

/// Area to the left of a closed curve.
double area_of(const std::vector<Place>& curve) {
  double area = 0.0;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const Place &a = curve[i], &b = curve[(i + 1) % curve.size()];
    area += (a.x * b.y - b.x * a.y) / 2.0;
  }
  return area;
}

double area_of(const std::vector<std::vector<Place>>& curves) {
  double area = 0.0;
  for (const std::vector<Place>& curve : curves) area += area_of(curve);
  return area;
}

TEST(ReportContours, ADiscHasOneCurveWithItsArea) {
  const auto curves = contours(grid_of(61, [](double x, double y) { return 2.0 - x * x - y * y; }), 1.0);

  ASSERT_EQ(curves.size(), 1U);
  EXPECT_NEAR(area_of(curves), std::numbers::pi, 0.01);
}

TEST(ReportContours, ARingHasTwoCurvesAndTheInnerOneBoundsAHole) {
  const auto ring = [](double x, double y) {
    const double r = std::hypot(x, y);
    return -(r - 1.0) * (r - 1.0);
  };
  const auto curves = contours(grid_of(121, ring), -0.25);

  ASSERT_EQ(curves.size(), 2U);
  EXPECT_LT(area_of(curves[0]) * area_of(curves[1]), 0.0);
  EXPECT_NEAR(area_of(curves), std::numbers::pi * (2.25 - 0.25), 0.02);
}

TEST(ReportContours, ARegionThatTouchesTheEndIsClosedBeyondIt) {
  const auto everywhere = contours(grid_of(5, [](double, double) { return 1.0; }), 0.5);
  ASSERT_EQ(everywhere.size(), 1U);
  EXPECT_GE(area_of(everywhere), 16.0);
  EXPECT_TRUE(contours(grid_of(5, [](double, double) { return 0.0; }), 0.5).empty());
}

TEST(ReportContours, SaddlesSeparateOrConnectByTheirMean) {
  GridValues saddle{{0.0, 1.0}, {0.0, 1.0}, Points{{1.0, 0.0}, {0.0, 1.0}}};
  EXPECT_EQ(contours(saddle, 0.9).size(), 2U);
  EXPECT_EQ(contours(saddle, 0.2).size(), 1U);
}

TEST(ReportDensity, RegionsOfANormalLawAreDiscsOfTheirMass) {
  const Mixture normal({1.0}, Points{{0.0, 0.0}}, Covariance::spherical({0.16}));
  GridValues grid = grid_of(161, [&](double x, double y) { return normal.pdf(Points{{x, y}})(0); });
  grid.values = depth_of(grid.values, false);

  for (const double mass : shaded_masses) {
    // P(|x| <= r) = 1 - exp(-r^2 / (2 s^2))
    const double area = -2.0 * std::numbers::pi * 0.16 * std::log(1.0 - mass);
    EXPECT_NEAR(area_of(contours(grid, 1.0 - mass)), area, 0.03 * area) << mass;
    EXPECT_GT(std::abs(area_of(contours(grid, 1.05 - mass)) - area), 0.03 * area)
        << "insensitive at " << mass;
  }
}

TEST(ReportDensity, ColumnsAreLawsOfTheirOwn) {
  const Points density{{1.0, 100.0}, {3.0, 300.0}};
  const Points depth = depth_of(density, true);

  EXPECT_EQ(depth, (Points{{0.125, 0.125}, {0.625, 0.625}}));
  EXPECT_LT(depth_of(density, false)(1, 0), 0.01);
}

TEST(ReportDensity, ALawThatIsTooNarrowIsBlurredAndKeepsItsMass) {
  const Mixture points({0.5, 0.5}, Points{{-1.0}, {1.0}}, Covariance::spherical({0.0, 0.0}));
  bool blurred = false;
  const Axis axis{.low = -2.0, .high = 2.0};
  const std::vector<Place> curve = density_curve(points, axis, 401, blurred);

  EXPECT_TRUE(blurred);
  double mass = 0.0;
  for (const Place& place : curve) mass += place.y * 4.0 / 400.0;
  EXPECT_NEAR(mass, 1.0, 0.02);
  blurred = false;
  density_curve(Mixture({1.0}, Points{{0.0}}, Covariance::spherical({1.0})), axis, 401, blurred);
  EXPECT_FALSE(blurred);
}

TEST(ReportView, CoordinatesAndPlanesHaveUnitLength) {
  const Mixture law({0.5, 0.5}, Points{{0, 0, 0}, {0, 4, 0}},
                    Covariance::diag(Points{{1.0, 0.2, 2.0}, {1.0, 0.2, 2.0}}));
  EXPECT_EQ(in_view(coordinate_view(3, {2, 0}), Points{{1, 2, 3}}), (Points{{3, 1}}));
  const View principal = principal_view(law);
  EXPECT_NEAR(principal.directions(0, 1), 1.0, 1e-12);  // the variance of coordinate 1 is 4.2
  EXPECT_NEAR(principal.directions(1, 2), 1.0, 1e-12);
  EXPECT_NE(principal.names[0].find("58.3 %"), std::string::npos) << principal.names[0];  // of 7.2
  for (const View& view : {principal, random_view(3, 7), coordinate_view(3, {0, 1})})
    EXPECT_LT((view.directions * view.directions.transpose() - Eigen::MatrixXd::Identity(2, 2)).norm(),
              1e-12);
  EXPECT_NE(random_view(3, 7).directions, random_view(3, 8).directions);
}

TEST(ReportView, BadCoordinatesAreNamed) {
  const Mixture line({1.0}, Points{{0.0}}, Covariance::spherical({1.0}));
  expect_invalid([] { coordinate_view(3, {0, 3}); }, "coordinate 3: the law has the coordinates 0 to 2");
  expect_invalid([] { coordinate_view(3, {1, 1}); }, "coordinate 1 is given twice");
  expect_invalid([] { coordinate_view(3, {0, 1, 2}); }, "one or two coordinates, given 3");
  expect_invalid([&] { principal_view(line); }, "a plane needs a law of two or more coordinates");
  expect_invalid([] { random_view(1, 0); }, "a plane needs a law of two or more coordinates");
}

TEST(ReportView, AxesHoldTheMassOfAllComponentsButFaintOnes) {
  const Mixture law({0.5, 0.4999, 0.0001}, Points{{0.0}, {10.0}, {1000.0}},
                    Covariance::spherical({1.0, 4.0, 1.0}));
  const ViewedLaw viewed = in_view(coordinate_view(1, {0}), "law", law);
  const Axis axis = axis_of(viewed, 0);

  EXPECT_LT(axis.low, -3.0);
  EXPECT_GT(axis.high, 16.0);
  EXPECT_LT(axis.high, 20.0);
  EXPECT_LT(axis_of(viewed, 0, {.alpha = 0.0, .sigma = 2.0}).high, 8.0);
}

}  // namespace
}  // namespace gmdiff::report
