#include <gtest/gtest.h>

#include <gmdiff/device/path_moments.hpp>

#include "device/cpu/cpu.hpp"
#include "device/devices_under_test.hpp"
#include "device/instruction_sets.hpp"
#include "device/path_moments.hpp"
#include "device/program_cases.hpp"
#include "support/expect_invalid.hpp"

// SDEs and ODEs on the device cpu: they agree with the device reference, and their bits do not depend on
// extents, instruction sets, ranges and batches.

namespace gmdiff::dynamics_on_devices {
namespace {

Samples paths(const Plan& plan, const Options& options, Extent extent = Extent::fastest, int threads = 2) {
  return run(plan, options, 0, *cpu::make_executor(threads), extent);
}

Options path_options(Precision precision) {
  return {.count = 75, .seed = 3, .precision = precision, .first = 5'000'000'000, .history = 4};
}

TEST(DynamicsOnDevices, AgreeWithTheReference) {
  for (const Plan& plan : test::every_plan_of_dynamics()) {
    Options options = path_options(Precision::f64);
    const Points found = paths(plan, options).to_double();
    options.device = Device::reference();
    EXPECT_LT((found - run(plan, options).to_double()).cwiseAbs().maxCoeff(), 1e-9) << plan;
  }
}

TEST(DynamicsOnDevices, OdesInFloatStayNearThoseInDouble) {
  for (const Scheme scheme : {Scheme::euler, Scheme::heun, Scheme::rk4}) {
    const Plan plan = dynamics_plan({.drift = {"sin(3*t) - x^3"},
                                     .t_end = 2.0,
                                     .steps = 50,
                                     .scheme = scheme,
                                     .start = PointStart{{1.5}}});
    const double single = paths(plan, {.count = 1}).to_double()(0, 0);
    EXPECT_NEAR(single, paths(plan, {.count = 1, .precision = Precision::f64}).to_double()(0, 0), 1e-5);
  }
}

TEST(DynamicsOnDevices, HaveTheSameBitsInEveryExtentAndOnEveryInstructionSet) {
  for (const Plan& plan : test::every_plan_of_dynamics()) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options = path_options(precision);
      const std::vector<char> expected = test::bytes(paths(plan, options, Extent::tile));
      EXPECT_TRUE(test::bytes(paths(plan, options, Extent::batch)) == expected) << plan;
      for (const cpu::InstructionSet set : test::available_sets()) {
        const test::WithInstructionSet environment(set);
        EXPECT_TRUE(test::bytes(paths(plan, options, Extent::fastest, 1)) == expected)
            << cpu::to_string(set) << plan;
      }
    }
  }
}

TEST(DynamicsOnDevices, AreTheSameInRangesAndWindows) {
  Dynamics dynamics = sine_dynamics();
  dynamics.steps = 40'000;  // more than the steps of a window
  dynamics.scheme = Scheme::sra1;
  const Plan plan = dynamics_plan(dynamics);
  Options options{.count = 20, .seed = 3};
  const Points whole = paths(plan, options).to_double();
  options.first = 13;
  options.count = 7;
  EXPECT_EQ(paths(plan, options).to_double(), whole.bottomRows(7));
  options.history = 6;
  const Points levels = paths(plan, options).to_double();
  for (Eigen::Index n = 0; n < 7; ++n) EXPECT_EQ(levels(6 * n + 5, 0), whole(13 + n, 0));
}

TEST(DynamicsOnDevices, StartWhereTheyAreTold) {
  Dynamics dynamics{
      .drift = {"0", "0"}, .steps = 1, .scheme = Scheme::euler, .start = PointStart{{1.5, -2.0}}};
  const Options options{.count = 4000, .precision = Precision::f64};
  const Points points = paths(dynamics_plan(dynamics), options).to_double();
  EXPECT_EQ(points, Eigen::RowVector2d(1.5, -2.0).replicate(4000, 1));
  dynamics.start = GaussianStart{.mean = {1.0, -1.0}, .std = 0.5};
  const Points drawn = paths(dynamics_plan(dynamics), options).to_double();
  const Eigen::RowVectorXd mean = drawn.colwise().mean();
  EXPECT_LT((mean - Eigen::RowVector2d(1.0, -1.0)).cwiseAbs().maxCoeff(), 4.0 * 0.5 / std::sqrt(4000.0));
  const Eigen::RowVectorXd variance = (drawn.rowwise() - mean).cwiseAbs2().colwise().mean();
  EXPECT_LT((variance.array() - 0.25).abs().maxCoeff(), 4.0 * 0.25 * std::sqrt(2.0 / 4000.0));
  Options given{.count = 2, .precision = Precision::f64};
  given.start = test::normals(2, 2, 7);
  EXPECT_EQ(paths(dynamics_plan(dynamics), given).to_double(), *given.start);
}

TEST(DynamicsOnDevices, StartFromAMixture) {
  const Eigen::Matrix2d left{{1.0, 0.5}, {0.5, 0.5}}, right{{0.25, -0.125}, {-0.125, 1.0}};
  const Dynamics dynamics{
      .drift = {"0", "0"},
      .steps = 1,
      .scheme = Scheme::euler,
      .start = Mixture({0.25, 0.75}, Points{{-100.0, 0.0}, {100.0, 0.0}}, Covariance::full({left, right}))};
  constexpr Eigen::Index n = 8000;
  const Points x =
      paths(dynamics_plan(dynamics), {.count = n, .seed = 5, .precision = Precision::f64}).to_double();
  // The two components are far apart.
  Eigen::Matrix2d squares = Eigen::Matrix2d::Zero();
  double count = 0.0;
  for (Eigen::Index i = 0; i < n; ++i) {
    if (x(i, 0) > 0.0) continue;
    const Eigen::Vector2d from_mean(x(i, 0) + 100.0, x(i, 1));
    squares += from_mean * from_mean.transpose();
    count += 1.0;
  }
  EXPECT_NEAR(count / n, 0.25, 4.0 * std::sqrt(0.25 * 0.75 / n));
  // Each entry of a sample covariance has the variance (S_ii S_jj + S_ij^2) / count.
  const auto largest_z = [&](const Eigen::Matrix2d& expected) {
    double largest = 0.0;
    for (Eigen::Index i = 0; i < 2; ++i) {
      for (Eigen::Index j = 0; j < 2; ++j) {
        const double deviation =
            std::sqrt((expected(i, i) * expected(j, j) + expected(i, j) * expected(i, j)) / count);
        largest = std::max(largest, std::abs(squares(i, j) / count - expected(i, j)) / deviation);
      }
    }
    return largest;
  };
  EXPECT_LT(largest_z(left), 4.0);
  EXPECT_GT(largest_z(right), 4.0);  // planted: the covariance of the other component
}

Dynamics coupled_dynamics(Eigen::Index dim) {
  return linear_dynamics(
      0.5 * Eigen::MatrixXd(test::normals(dim, dim, 71)) / std::sqrt(static_cast<double>(dim)),
      test::normals(dim, 1, 72), Eigen::MatrixXd::Identity(dim, dim));
}

TEST(PathMomentsOnDevices, AreThoseOfThePaths) {
  constexpr Eigen::Index n = 200;
  for (const Eigen::Index d : {1, 3, 33}) {
    Dynamics dynamics = coupled_dynamics(d);
    dynamics.steps = 6;
    const Plan plan = dynamics_plan(dynamics);
    Options options{.count = n, .seed = 3, .precision = Precision::f64, .first = 7, .history = 4};
    const PathMoments found = path_moments(plan, options, 33);
    const Samples samples = run(plan, options);
    const Points x = samples.to_double();
    EXPECT_EQ(found.times, samples.times());
    EXPECT_EQ(found.count, n);
    EXPECT_EQ(found.covariance.cols(), d > 32 ? 0 : d * d);
    for (Eigen::Index level = 0; level < 4; ++level) {
      Points at_level(n, d);
      for (Eigen::Index path = 0; path < n; ++path) at_level.row(path) = x.row(4 * path + level);
      const Eigen::RowVectorXd mean = at_level.colwise().mean();
      const Eigen::MatrixXd centred = at_level.rowwise() - mean;
      const Eigen::MatrixXd covariance = centred.transpose() * centred / (n - 1.0);
      EXPECT_LT((found.mean.row(level) - mean).cwiseAbs().maxCoeff(), 1e-13);
      EXPECT_LT((found.variance.row(level) - covariance.diagonal().transpose()).cwiseAbs().maxCoeff(), 1e-12);
      if (d > 32) continue;
      const Eigen::Map<const Points> of_level(found.covariance.row(level).data(), d, d);
      EXPECT_LT((of_level - covariance).cwiseAbs().maxCoeff(), 1e-12);
      EXPECT_EQ(of_level, of_level.transpose());
    }
  }
}

TEST(PathMomentsOnDevices, HaveTheSameBitsForEverySplit) {
  Dynamics dynamics = coupled_dynamics(2);
  dynamics.steps = 6;
  const Plan plan = dynamics_plan(dynamics);
  for (const bool is_given : {false, true}) {
    Options options{.count = 300, .seed = 3, .device = Device::cpu(1)};
    if (is_given) options.start = test::normals(300, 2, 73);
    std::int64_t done = 0;
    options.progress = [&done](const Progress& progress) {
      EXPECT_EQ(progress.total, 300);
      done = progress.done;
    };
    const PathMoments expected = path_moments(plan, options);
    EXPECT_EQ(expected.mean.rows(), 7);
    EXPECT_EQ(done, 300);
    for (const std::int64_t most : {1, 64, 299}) {
      for (const int threads : {1, 3}) {
        options.device = Device::cpu(threads);
        const PathMoments found = path_moments(plan, options, most);
        EXPECT_EQ(found.mean, expected.mean);
        EXPECT_EQ(found.covariance, expected.covariance);
      }
    }
  }
}

TEST(PathMomentsOnDevices, RefuseWhatHasNoMoments) {
  const Plan plan = dynamics_plan(brownian());
  test::expect_invalid([&] { path_moments(plan, {.count = 1}); },
                       "path_moments: expected at least 2 paths, got 1");
  test::expect_invalid([&] { path_moments(plan, {.count = 3, .start = Points::Zero(2, 1)}); },
                       "path_moments: start has 2 rows, expected 3");
  const Mixture law({1.0}, Points::Zero(1, 1), Covariance::spherical({1.0}));
  test::expect_invalid([&] { path_moments(draw_plan(std::span(&law, 1)), {.count = 3}); },
                       "path_moments: a plan without steps has no times");
  const std::vector<Mixture> two{law, law};
  const ForwardProcess process(Vp{});
  test::expect_invalid(
      [&] { path_moments(forward_plan(two, process, TimeGrid::uniform(process, 3)), {.count = 3}); },
      "path_moments: expected a plan of one problem, got 2");
}

TEST(DynamicsOnDevices, ReportStatesThatAreNotFinite) {
  const Plan plan = dynamics_plan(
      {.drift = {"log(x)"}, .t_end = 10.0, .steps = 10, .scheme = Scheme::euler, .start = PointStart{{0.5}}});
  try {
    paths(plan, {.count = 3});
    ADD_FAILURE() << "no error";
  } catch (const NonFiniteError& error) {
    EXPECT_STREQ(
        error.what(),
        "run: 3 of 3 particles are not finite, first after step 2 of 10 (in float32); the step may be too "
        "large, or a text is not defined there");
  }
  Dynamics growing = linear_dynamics(Eigen::MatrixXd::Constant(1, 1, 1e30));
  growing.steps = 4;
  growing.scheme = Scheme::euler;
  try {
    paths(dynamics_plan(growing), {.count = 3});
    ADD_FAILURE() << "no error";
  } catch (const NonFiniteError& error) {
    EXPECT_TRUE(std::string(error.what()).ends_with("(in float32); the step may be too large"))
        << error.what();
  }
}

}  // namespace
}  // namespace gmdiff::dynamics_on_devices
