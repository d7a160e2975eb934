#include <limits>
#include <optional>

#include <gtest/gtest.h>

#include <gmdiff/model/time_grid.hpp>

#include "support/expect_invalid.hpp"

// Bad arguments of time grids: each has its own message.

namespace gmdiff::test {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void expect_invalid_grid(const GridDescription& description, const std::string& text,
                         const ForwardProcess& process = vp(),
                         const LinearObservation* observation = nullptr) {
  expect_invalid([&] { TimeGrid grid(process, description, observation); }, text);
}

ForwardProcess table(int steps) {
  return ForwardProcess(Ddpm{.betas = {}, .steps = steps, .first = 1e-4, .last = 0.02});
}

}  // namespace

TEST(TimeGridErrors, Steps) {
  expect_invalid_grid(UniformGrid{.steps = 0}, "UniformGrid: steps must be at least 1, got 0");
  expect_invalid_grid(UniformGrid{.steps = 2'000'000'000},
                      "UniformGrid: at most 10000000 steps, got 2000000000");
  expect_invalid_grid(KarrasGrid{.steps = -1}, "KarrasGrid: steps must be at least 1, got -1");
  expect_invalid_grid(LogSnrGrid{.steps = 0, .t_end = 0.1}, "LogSnrGrid: steps must be at least 1, got 0");
  expect_invalid([] { TimeGrid::uniform(vp(), -7); }, "UniformGrid: steps must be at least 1, got -7");
}

TEST(TimeGridErrors, EndsOfUniformGrids) {
  expect_invalid_grid(UniformGrid{.t_start = 1.5}, "UniformGrid: t_start must lie in [0, 1], got 1.5");
  expect_invalid_grid(UniformGrid{.t_start = nan}, "UniformGrid: t_start must lie in [0, 1], got nan");
  expect_invalid_grid(UniformGrid{.t_end = -0.25}, "UniformGrid: t_end must lie in [0, 1], got -0.25");
  expect_invalid_grid(UniformGrid{.t_end = nan}, "UniformGrid: t_end must lie in [0, 1], got nan");
  expect_invalid_grid(UniformGrid{.t_start = 0.5, .t_end = 0.5},
                      "UniformGrid: t_end must be less than t_start = 0.5, got 0.5");
  expect_invalid_grid(UniformGrid{.t_end = 1.0}, "UniformGrid: t_end must be less than t_start = 1, got 1");
}

TEST(TimeGridErrors, KarrasParameters) {
  expect_invalid_grid(KarrasGrid{.rho = 0.0}, "KarrasGrid: rho must be finite and > 0, got 0");
  expect_invalid_grid(KarrasGrid{.rho = nan}, "KarrasGrid: rho must be finite and > 0, got nan");
  expect_invalid_grid(KarrasGrid{.n_min = 0.0}, "KarrasGrid: n_min must be finite and > 0, got 0");
  expect_invalid_grid(KarrasGrid{.n_min = 2.0, .n_max = 2.0},
                      "KarrasGrid: n_max must be finite and greater than n_min = 2, got 2");
  expect_invalid_grid(KarrasGrid{.n_max = inf},
                      "KarrasGrid: n_max must be finite and greater than n_min = 0.002, got inf");
  expect_invalid_grid(
      KarrasGrid{.n_max = 80.0},
      "KarrasGrid: n_max must be at most sigma / alpha at T = 1 of the process vp, which is 5.69634, got 80");
}

TEST(TimeGridErrors, KarrasGridsReachNoDataThatAreNoisy) {
  const ForwardProcess noisy(
      CustomProcess{.alpha = [](double) { return 1.0; }, .sigma = [](double t) { return 1.0 + t; }});

  expect_invalid_grid(KarrasGrid{.n_min = 1.0, .n_max = 2.0},
                      "CustomProcess: sigma / alpha = 0 is outside [1, 2]", noisy);
}

TEST(TimeGridErrors, EndsOfLogSnrGrids) {
  expect_invalid_grid(LogSnrGrid{}, "LogSnrGrid: t_end is required and must be > 0, got 0");
  expect_invalid_grid(LogSnrGrid{.t_end = -0.5}, "LogSnrGrid: t_end must lie in [0, 1], got -0.5");
  expect_invalid_grid(LogSnrGrid{.t_end = nan}, "LogSnrGrid: t_end must lie in [0, 1], got nan");
  expect_invalid_grid(LogSnrGrid{.t_start = 2.0, .t_end = 0.1},
                      "LogSnrGrid: t_start must lie in [0, 1], got 2");
  expect_invalid_grid(LogSnrGrid{.t_start = 0.1, .t_end = 0.1},
                      "LogSnrGrid: t_end must be less than t_start = 0.1, got 0.1");
  expect_invalid_grid(LogSnrGrid{.t_end = 0.1},
                      "LogSnrGrid: t_start must be given and have alpha > 0, but alpha(1) = 0",
                      ForwardProcess(RectifiedFlow{}));
  expect_invalid_grid(LogSnrGrid{.t_end = 0.1},
                      "LogSnrGrid: t_start must be given and have alpha > 0, but alpha(1) = 0",
                      vp(CosineBeta{}));
}

TEST(TimeGridErrors, LogSnrGridsEndWhereThereIsNoise) {
  const ForwardProcess late(CustomProcess{.alpha = [](double t) { return 1.0 - 0.5 * t; },
                                          .sigma = [](double t) { return t < 1e-4 ? 0.0 : t; }});

  expect_invalid_grid(LogSnrGrid{.t_end = 1e-5}, "LogSnrGrid: sigma must be > 0 at t_end = 1e-05", late);
}

TEST(TimeGridErrors, DdimSubsets) {
  expect_invalid_grid(DdimGrid{.steps = 0},
                      "DdimGrid: steps must lie between 1 and the 10 steps of the table, got 0", table(10));
  expect_invalid_grid(DdimGrid{.steps = 11},
                      "DdimGrid: steps must lie between 1 and the 10 steps of the table, got 11", table(10));
  expect_invalid_grid(DdimGrid{.steps = 5}, "DdimGrid: needs a ddpm process, got vp");
}

TEST(TimeGridErrors, Lists) {
  expect_invalid_grid(ListGrid{}, "ListGrid: needs at least 2 times, got 0");
  expect_invalid_grid(ListGrid{.t = {0.5}}, "ListGrid: needs at least 2 times, got 1");
  expect_invalid_grid(ListGrid{.t = {1.0, 0.25, 0.5}},
                      "ListGrid: times must decrease, but t[2] = 0.5 follows 0.25");
  expect_invalid_grid(ListGrid{.t = {0.5, 0.5}}, "ListGrid: times must decrease, but t[1] = 0.5 follows 0.5");
  expect_invalid_grid(ListGrid{.t = {2.0, 0.5}}, "ListGrid: t[0] must lie in [0, 1], got 2");
  expect_invalid_grid(ListGrid{.t = {1.0, nan}}, "ListGrid: t[1] must lie in [0, 1], got nan");
  expect_invalid([] { TimeGrid::list(vp(), {0.5, -0.5}); }, "ListGrid: t[1] must lie in [0, 1], got -0.5");
}

TEST(TimeGridErrors, McgdiffGrids) {
  const LinearObservation observation(Eigen::Vector3d(0.9, 0.6, 0.3).asDiagonal().toDenseMatrix(),
                                      Eigen::Vector3d::Zero(), 0.2);

  expect_invalid_grid(McgdiffGrid{}, "McgdiffGrid: needs a ddpm process, got vp", vp(), &observation);
  expect_invalid_grid(McgdiffGrid{.points = 10}, "McgdiffGrid: needs an observation", table(100));
  expect_invalid_grid(McgdiffGrid{.points = 1},
                      "McgdiffGrid: points must lie between 2 and the 101 levels of the table, got 1",
                      table(100), &observation);
  expect_invalid_grid(McgdiffGrid{.points = 102},
                      "McgdiffGrid: points must lie between 2 and the 101 levels of the table, got 102",
                      table(100), &observation);
  expect_invalid_grid(McgdiffGrid{.points = 4},
                      "McgdiffGrid: points must be at least 5, the observation forces 3 levels, got 4",
                      table(1000), &observation);
}

TEST(TimeGridErrors, McgdiffGridsOfSingularNoise) {
  const Eigen::MatrixXd singular = Eigen::Vector2d(0.25, 0.0).asDiagonal();
  const LinearObservation observation(Eigen::MatrixXd::Identity(2, 2), Eigen::Vector2d::Zero(), singular);

  expect_invalid_grid(McgdiffGrid{.points = 10},
                      "McgdiffGrid: the noise covariance of the observation must be positive definite",
                      table(100), &observation);
}

TEST(TimeGridErrors, LevelsThatCannotBeToldApart) {
  const ForwardProcess flat(
      CustomProcess{.alpha = [](double) { return 1.0; },
                    .sigma = [](double t) { return t < 0.5 ? t : 0.5 + 1e-3 * (t - 0.5) * (t > 0.501); }});
  const ForwardProcess saturated(Ddpm{.betas = std::vector<double>(40'000, 0.5)});

  expect_invalid_grid(ListGrid{.t = {0.5009, 0.5004, 0.25}},
                      "TimeGrid: sigma / alpha must decrease, but goes from 0.5 at level 0 (t = 0.5009) to "
                      "0.5 at level 1 (t = 0.5004)",
                      flat);
  expect_invalid_grid(UniformGrid{.steps = 400},
                      "TimeGrid: sigma / alpha must decrease, but goes from inf at level 0", saturated);
}

}  // namespace gmdiff::test
