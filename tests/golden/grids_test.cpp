#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <gmdiff/model/time_grid.hpp>

#include "support/golden.hpp"

// Time grids: times and levels within 1e-14 relative, table indices exact.

namespace gmdiff::test {

namespace {

constexpr double grid_tolerance = 1e-14;

std::vector<json> cases(const std::string& name) {
  std::vector<json> selected;
  for (const json& golden_case : load_golden("grids").at("cases").get<std::vector<json>>())
    if (golden_case["name"] == name) selected.push_back(golden_case);
  return selected;
}

double noise_to_signal(const GridLevel& level) { return static_cast<double>(level.sigma / level.alpha); }

ForwardProcess noisy_vp() { return vp(LinearBeta{.min = 0.125, .max = 20.0}); }

ForwardProcess benchmark_schedule() {
  return ForwardProcess(Ddpm{.betas = {}, .steps = 999, .first = 0.02, .last = 1e-4});
}

void expect_noise_to_signal(const TimeGrid& grid, const Eigen::VectorXd& n) {
  ASSERT_EQ(grid.levels().size(), static_cast<std::size_t>(n.size()));
  for (int i = 0; i < n.size(); ++i)
    EXPECT_NEAR(noise_to_signal(grid.level(i)), n(i), grid_tolerance * n(i)) << "level " << i;
}

std::vector<int> indices(const TimeGrid& grid) {
  std::vector<int> result;
  for (const double t : grid.times()) {
    EXPECT_EQ(t, std::floor(t));
    result.push_back(static_cast<int>(t));
  }
  return result;
}

std::vector<int> ascending(std::vector<int> values) {
  std::reverse(values.begin(), values.end());
  return values;
}

}  // namespace

TEST(GoldenGrids, UniformTimes) {
  ASSERT_EQ(cases("uniform").size(), 1u);
  for (const json& golden_case : cases("uniform")) {
    const Eigen::VectorXd expected = vector(golden_case["t"]);

    const TimeGrid grid =
        TimeGrid::uniform(vp(LinearBeta{}, golden_case["T"]), golden_case["N"], golden_case["t_end"]);

    ASSERT_EQ(grid.num_steps() + 1, expected.size());
    for (int i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(grid.level(i).t, expected(i), grid_tolerance * expected(i));
    EXPECT_EQ(grid.level(0).t, golden_case["T"].get<double>());
    EXPECT_EQ(grid.level(grid.num_steps()).t, golden_case["t_end"].get<double>());
  }
}

TEST(GoldenGrids, KarrasLevelsOfEdmAndOfVp) {
  ASSERT_EQ(cases("karras").size(), 2u);
  for (const json& golden_case : cases("karras")) {
    const KarrasGrid description{.steps = golden_case["N"],
                                 .rho = golden_case["rho"],
                                 .n_min = golden_case["n_min"],
                                 .n_max = golden_case["n_max"]};

    const TimeGrid of_edm(ForwardProcess(Edm{}), description), of_vp(noisy_vp(), description);

    expect_noise_to_signal(of_edm, vector(golden_case["n"]));
    expect_noise_to_signal(of_vp, vector(golden_case["n"]));
  }
}

TEST(GoldenGrids, LogSnrLevelsOfVp) {
  ASSERT_EQ(cases("log_snr").size(), 1u);
  for (const json& golden_case : cases("log_snr")) {
    const ForwardProcess process = noisy_vp();
    const auto time_of_lambda = [&](long double lambda) {
      return static_cast<double>(process.time_of_noise_to_signal(std::exp(-lambda)));
    };
    const double t_start = time_of_lambda(golden_case["lam_T"].get<double>()),
                 t_end = time_of_lambda(golden_case["lam_0"].get<double>());
    const Eigen::VectorXd lambda = vector(golden_case["lam"]), alpha = vector(golden_case["vp_alpha"]),
                          sigma = vector(golden_case["vp_sigma"]);

    const TimeGrid grid(
        process,
        LogSnrGrid{.steps = golden_case["N"], .t_start = t_start, .t_end = t_end, .end_at_data = false});

    ASSERT_EQ(grid.num_steps() + 1, lambda.size());
    for (int i = 0; i < lambda.size(); ++i) {
      const GridLevel& level = grid.level(i);
      EXPECT_NEAR(static_cast<double>(std::log(level.alpha / level.sigma)), lambda(i),
                  grid_tolerance * std::max(1.0, std::abs(lambda(i))));
      EXPECT_NEAR(static_cast<double>(level.alpha), alpha(i), grid_tolerance * alpha(i));
      EXPECT_NEAR(static_cast<double>(level.sigma), sigma(i), grid_tolerance * sigma(i));
    }
  }
}

TEST(GoldenGrids, DdimSubsets) {
  ASSERT_EQ(cases("ddim_subset").size(), 4u);
  for (const json& golden_case : cases("ddim_subset")) {
    const ForwardProcess process(Ddpm{.betas = {}, .steps = golden_case["N"], .first = 1e-4, .last = 0.02});
    const auto spacing =
        golden_case["kind"] == "linear" ? DdimGrid::Spacing::linear : DdimGrid::Spacing::quadratic;

    const TimeGrid grid(process, DdimGrid{.steps = golden_case["S"], .spacing = spacing});

    EXPECT_EQ(indices(grid), golden_case["index"].get<std::vector<int>>());
  }
}

TEST(GoldenGrids, AlphaBarOfTheBenchmarkSchedule) {
  ASSERT_EQ(cases("benchmark_schedule").size(), 1u);
  for (const json& golden_case : cases("benchmark_schedule")) {
    const ForwardProcess process(Ddpm{.betas = {},
                                      .steps = golden_case["n_betas"],
                                      .first = golden_case["betas_first"],
                                      .last = golden_case["betas_last"]});
    const Eigen::VectorXd index = vector(golden_case["index"]), alpha_bar = vector(golden_case["alpha_bar"]);

    for (int i = 0; i < index.size(); ++i) {
      const long double alpha = process.values(index(i)).alpha;
      EXPECT_NEAR(static_cast<double>(alpha * alpha), alpha_bar(i), grid_tolerance * alpha_bar(i))
          << "index " << index(i);
    }
  }
}

TEST(GoldenGrids, McgdiffGridsForNoiseOfOneStandardDeviation) {
  ASSERT_EQ(cases("mcg_adapted").size(), 4u);
  for (const json& golden_case : cases("mcg_adapted")) {
    const Eigen::VectorXd s = vector(golden_case["singular_values"]);
    const double noise_std = std::sqrt(golden_case["var_y"].get<double>());
    const LinearObservation observation(s.asDiagonal().toDenseMatrix(), Eigen::VectorXd::Zero(s.size()),
                                        noise_std);

    const TimeGrid grid(benchmark_schedule(), McgdiffGrid{.points = golden_case["n_points"]}, &observation);

    EXPECT_EQ(ascending(indices(grid)), golden_case["index"].get<std::vector<int>>());
    for (const int forced : golden_case["forced"]) EXPECT_EQ(std::ranges::count(indices(grid), forced), 1);
  }
}

TEST(GoldenGrids, McgdiffGridsForAFullNoiseCovariance) {
  for (const json& golden_case : cases("mcg_adapted")) {
    const Eigen::VectorXd s = vector(golden_case["singular_values"]);
    const double noise_variance = golden_case["var_y"];
    // Row i of A and its noise are scaled by 2^i; whitening restores s / noise_std.
    Eigen::VectorXd scale(s.size());
    for (Eigen::Index i = 0; i < s.size(); ++i) scale(i) = std::ldexp(1.0, static_cast<int>(i));
    const Eigen::MatrixXd A = scale.cwiseProduct(s).asDiagonal();
    const Eigen::MatrixXd noise_covariance = (noise_variance * scale.cwiseAbs2()).asDiagonal();
    const LinearObservation observation(A, Eigen::VectorXd::Zero(s.size()), noise_covariance);

    const TimeGrid grid(benchmark_schedule(), McgdiffGrid{.points = golden_case["n_points"]}, &observation);

    EXPECT_EQ(ascending(indices(grid)), golden_case["index"].get<std::vector<int>>());
  }
}

}  // namespace gmdiff::test
