#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/model/time_grid.hpp>

// The levels of the grids. See time_grid_errors_test.cpp for bad arguments and golden/grids_test.cpp for the
// numbers of adapted and subset grids.

namespace gmdiff::test {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

using Times = std::vector<double>;

double noise_to_signal(const GridLevel& level) { return static_cast<double>(level.sigma / level.alpha); }

double log_snr(const GridLevel& level) { return static_cast<double>(std::log(level.alpha / level.sigma)); }

const GridLevel& last_level(const TimeGrid& grid) { return grid.level(grid.num_steps()); }

void expect_data(const GridLevel& level) {
  EXPECT_EQ(level.t, 0.0);
  EXPECT_EQ(level.alpha, 1.0L);
  EXPECT_EQ(level.sigma, 0.0L);
}

/// Observation of the first coordinates of a vector, with singular values s.
LinearObservation observation(const Eigen::VectorXd& s, double noise_std) {
  return {s.asDiagonal().toDenseMatrix(), Eigen::VectorXd::Zero(s.size()), noise_std};
}

ForwardProcess table(int steps) {
  return ForwardProcess(Ddpm{.betas = {}, .steps = steps, .first = 1e-4, .last = 0.02});
}

}  // namespace

TEST(UniformGrid, RunsFromTToTheData) {
  const TimeGrid grid = TimeGrid::uniform(vp(), 4);

  EXPECT_EQ(grid.num_steps(), 4);
  EXPECT_EQ(grid.times(), (Times{1.0, 0.75, 0.5, 0.25, 0.0}));
  expect_data(last_level(grid));
}

TEST(UniformGrid, HasTheLevelsOfItsTimes) {
  const ForwardProcess process = vp(CosineBeta{});

  const TimeGrid grid(process, UniformGrid{.steps = 7, .t_start = 0.9, .t_end = 0.1});

  for (const GridLevel& level : grid.levels()) {
    EXPECT_EQ(level.alpha, process.values(level.t).alpha);
    EXPECT_EQ(level.sigma, process.values(level.t).sigma);
  }
}

TEST(UniformGrid, HitsBothEndsExactly) {
  const TimeGrid grid(vp(), UniformGrid{.steps = 3, .t_start = 0.7, .t_end = 1e-30});

  EXPECT_EQ(grid.level(0).t, 0.7);
  EXPECT_EQ(last_level(grid).t, 1e-30);
}

TEST(UniformGrid, OneStepIsAGrid) {
  EXPECT_EQ(TimeGrid::uniform(ForwardProcess(Edm{}), 1).times(), (Times{80.0, 0.0}));
}

TEST(UniformGrid, MayStartWhereTheSignalVanishes) {
  const TimeGrid grid = TimeGrid::uniform(ForwardProcess(RectifiedFlow{}), 2);

  EXPECT_EQ(grid.level(0).alpha, 0.0L);
  EXPECT_EQ(grid.level(0).sigma, 1.0L);
}

TEST(ListGrid, TakesTheTimesGiven) {
  const TimeGrid grid = TimeGrid::list(ForwardProcess(Edm{}), {80.0, 3.0, 0.5});

  EXPECT_EQ(grid.times(), (Times{80.0, 3.0, 0.5}));
  EXPECT_EQ(last_level(grid).sigma, 0.5L);
}

TEST(KarrasGrid, OneStepGoesFromTheLargestNoiseToTheData) {
  const TimeGrid grid(ForwardProcess(Edm{}), KarrasGrid{.steps = 1, .n_max = 10.0});

  EXPECT_EQ(grid.times(), (Times{10.0, 0.0}));
  expect_data(last_level(grid));
}

TEST(KarrasGrid, TwoStepsHaveBothNoiseLevelsExactly) {
  const TimeGrid grid(ForwardProcess(Edm{}), KarrasGrid{.steps = 2, .n_min = 0.3, .n_max = 10.0});

  EXPECT_EQ(grid.times(), (Times{10.0, 0.3, 0.0}));
  EXPECT_EQ(grid.level(1).sigma, static_cast<long double>(0.3));
}

TEST(KarrasGrid, LevelsOfVpLieOnTheProcess) {
  const ForwardProcess process = vp();

  const TimeGrid grid(process, KarrasGrid{.steps = 9, .n_min = 0.01, .n_max = 5.0});

  for (const GridLevel& level : grid.levels()) {
    EXPECT_NEAR(process.alpha(level.t), static_cast<double>(level.alpha), 1e-14);
    EXPECT_NEAR(process.sigma(level.t), static_cast<double>(level.sigma), 1e-14);
  }
  EXPECT_DOUBLE_EQ(noise_to_signal(grid.level(0)), 5.0);
  EXPECT_DOUBLE_EQ(noise_to_signal(grid.level(8)), 0.01);
  expect_data(last_level(grid));
}

TEST(KarrasGrid, StartsAtTWhenTheLargestNoiseIsThatOfTInDouble) {
  for (const ForwardProcess& process : {vp(), ForwardProcess(Ve{}), ForwardProcess(Ou{}), table(100)}) {
    const double n_max = process.sigma(process.T()) / process.alpha(process.T());

    const TimeGrid grid(process, KarrasGrid{.steps = 5, .n_max = n_max});

    EXPECT_NEAR(grid.level(0).t, process.T(), 1e-14 * process.T()) << process.name();
    EXPECT_LE(grid.level(0).t, process.T()) << process.name();
  }
}

TEST(KarrasGrid, ReachesTheDataOfVeAtMinusInfinity) {
  const TimeGrid grid(ForwardProcess(Ve{}), KarrasGrid{.steps = 3, .n_max = 50.0});

  EXPECT_EQ(last_level(grid).t, -inf);
  EXPECT_EQ(last_level(grid).alpha, 1.0L);
  EXPECT_EQ(last_level(grid).sigma, 0.0L);
}

TEST(KarrasGrid, LargestNoiseMayBeAnyWhereTheSignalVanishes) {
  const TimeGrid grid(ForwardProcess(RectifiedFlow{}), KarrasGrid{.steps = 4, .n_max = 999.0});

  EXPECT_DOUBLE_EQ(grid.level(0).t, 0.999);
}

TEST(LogSnrGrid, LastStepGoesToTheData) {
  const ForwardProcess process = vp();

  const TimeGrid grid(process, LogSnrGrid{.steps = 5, .t_end = 0.01});

  ASSERT_EQ(grid.num_steps(), 5);
  EXPECT_EQ(grid.level(0).t, 1.0);
  EXPECT_EQ(grid.level(4).t, 0.01);
  expect_data(last_level(grid));
  const double step = (process.log_snr(0.01) - process.log_snr(1.0)) / 4.0;
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(log_snr(grid.level(i + 1)) - log_snr(grid.level(i)), step, 1e-13);
}

TEST(LogSnrGrid, EndsAtTEndOnRequest) {
  const ForwardProcess process = vp(CosineBeta{});

  const TimeGrid grid(process, LogSnrGrid{.steps = 3, .t_start = 0.75, .t_end = 0.125, .end_at_data = false});

  ASSERT_EQ(grid.num_steps(), 3);
  EXPECT_EQ(grid.level(0).t, 0.75);
  EXPECT_EQ(last_level(grid).t, 0.125);
  EXPECT_EQ(last_level(grid).alpha, process.values(0.125).alpha);
  for (const GridLevel& level : grid.levels()) EXPECT_NEAR(process.log_snr(level.t), log_snr(level), 1e-13);
}

TEST(LogSnrGrid, OneStepWithDataIsOneStep) {
  const TimeGrid grid(ForwardProcess(Edm{}), LogSnrGrid{.steps = 1, .t_start = 10.0, .t_end = 0.1});

  EXPECT_EQ(grid.times(), (Times{10.0, 0.0}));
}

TEST(LogSnrGrid, IsGeometricInNoiseForEdm) {
  const TimeGrid grid(ForwardProcess(Edm{}), LogSnrGrid{.steps = 4, .t_start = 16.0, .t_end = 2.0});

  EXPECT_EQ(grid.times(), (Times{16.0, 8.0, 4.0, 2.0, 0.0}));
}

TEST(DdimGrid, OfAsManyStepsAsTheTableTakesEveryIndex) {
  EXPECT_EQ(TimeGrid(table(5), DdimGrid{.steps = 5}).times(), (Times{5.0, 4.0, 3.0, 2.0, 1.0, 0.0}));
}

TEST(DdimGrid, OfOneStepIsTheWholeTableAtOnce) {
  for (const auto spacing : {DdimGrid::Spacing::linear, DdimGrid::Spacing::quadratic}) {
    const TimeGrid grid(table(1000), DdimGrid{.steps = 1, .spacing = spacing});

    EXPECT_EQ(grid.times(), (Times{1000.0, 0.0}));
    expect_data(last_level(grid));
  }
}

TEST(DdimGrid, OfTheLargestTableDoesNotOverflow) {
  const ForwardProcess process(Ddpm{.betas = {}, .steps = 1'000'000, .first = 1e-7, .last = 2e-5});

  const TimeGrid grid(process, DdimGrid{.steps = 1'000'000, .spacing = DdimGrid::Spacing::quadratic});

  EXPECT_EQ(grid.level(0).t, 1e6);
  EXPECT_EQ(grid.level(1).t, 999998.0);
  expect_data(last_level(grid));
}

TEST(McgdiffGrid, HasAsManyLevelsAsPointsAskedFor) {
  const LinearObservation observed = observation(Eigen::Vector2d(0.9, 0.4), 0.3);

  for (const int points : {4, 5, 21, 101}) {
    const TimeGrid grid(ForwardProcess(Ddpm{.betas = {}, .steps = 999, .first = 0.02, .last = 1e-4}),
                        McgdiffGrid{.points = points}, &observed);

    EXPECT_EQ(grid.num_steps(), points - 1);
    EXPECT_EQ(grid.level(0).t, 999.0);
    expect_data(last_level(grid));
  }
}

TEST(McgdiffGrid, ExactObservationsForceNoLevel) {
  const LinearObservation exact = observation(Eigen::Vector2d(0.9, 0.4), 0.0);

  const TimeGrid grid(table(100), McgdiffGrid{.points = 2}, &exact);

  EXPECT_EQ(grid.times(), (Times{100.0, 0.0}));
}

TEST(McgdiffGrid, ZeroSingularValuesForceNoLevel) {
  const LinearObservation repeated(Eigen::MatrixXd::Ones(2, 2), Eigen::Vector2d(1.0, 1.0), 0.5),
      single(Eigen::MatrixXd::Constant(1, 2, std::sqrt(2.0)), Eigen::VectorXd::Ones(1), 0.5);

  const TimeGrid grid(table(200), McgdiffGrid{.points = 12}, &repeated);

  EXPECT_EQ(grid.times(), TimeGrid(table(200), McgdiffGrid{.points = 12}, &single).times());
}

TEST(McgdiffGrid, NoiseAboveThatOfTheTableForcesItsEnd) {
  const LinearObservation observed = observation(Eigen::VectorXd::Ones(1), 1e6);

  const TimeGrid grid(table(50), McgdiffGrid{.points = 3}, &observed);

  EXPECT_EQ(grid.level(0).t, 50.0);
}

TEST(McgdiffGrid, ReachesTheEndOfATableWithoutNoise) {
  const ForwardProcess process(Ddpm{.betas = std::vector<double>(10, 1e-300)});
  const LinearObservation exact = observation(Eigen::VectorXd::Ones(1), 0.0);

  const TimeGrid grid(process, McgdiffGrid{.points = 4}, &exact);

  EXPECT_EQ(grid.level(0).t, 10.0);
  expect_data(last_level(grid));
}

TEST(TimeGrid, KeepsItsDescription) {
  const TimeGrid grid(ForwardProcess(Edm{}), KarrasGrid{.steps = 6, .rho = 3.0});

  ASSERT_TRUE(std::holds_alternative<KarrasGrid>(grid.description()));
  EXPECT_EQ(std::get<KarrasGrid>(grid.description()).rho, 3.0);
}

TEST(TimeGrid, WorksForCustomProcessesWithoutDerivatives) {
  const ForwardProcess process(
      CustomProcess{.alpha = [](double) { return 1.0; }, .sigma = [](double t) { return t * t; }, .T = 4.0});

  const TimeGrid grid(process, KarrasGrid{.steps = 2, .n_min = 1.0, .n_max = 16.0});

  EXPECT_EQ(grid.times(), (Times{4.0, 1.0, 0.0}));
}

}  // namespace gmdiff::test
