#pragma once

#include <cmath>
#include <string>
#include <vector>

#include <Eigen/QR>

#include "bench.hpp"

// The laws and plans that benchmarks measure on every device.

namespace gmdiff::bench {

struct Case {
  std::string name;
  Plan plan;
  std::int64_t count;
  Precision precision = Precision::f32;
  double slots = 0.0;  ///< slots of arithmetic per particle-step, counted from the formulas; 0: not counted
};

/// K components with means of size 2 and variances between 0.5 and 1.5.
inline Mixture mixture(CovarianceType structure, Eigen::Index dim, Eigen::Index components) {
  const std::vector<double> weights(static_cast<std::size_t>(components), 1.0);
  const Points means = 2.0 * normals(components, dim);
  const Points variances = (1.0 + 0.5 * normals(components, dim).array().sin()).matrix();
  const auto basis = [dim](Eigen::Index k) -> Eigen::MatrixXd {
    const Eigen::MatrixXd square = normals(dim + k, dim).bottomRows(dim);
    return square.householderQr().householderQ();
  };
  switch (structure) {
    case CovarianceType::spherical:
      return {weights, means,
              Covariance::spherical(std::vector<double>(variances.data(), variances.data() + components))};
    case CovarianceType::diag:
      return {weights, means, Covariance::diag(variances)};
    case CovarianceType::common_basis:
      return {weights, means, Covariance::common_basis(basis(0), variances)};
    case CovarianceType::tied:
    case CovarianceType::full:
      break;
  }
  std::vector<Eigen::MatrixXd> bases;
  for (Eigen::Index k = 0; k < components; ++k) bases.push_back(basis(k));
  return {weights, means, Covariance::full_eigen(bases, variances)};
}

/// A sampler on the law, process and grid of `bench-2d`: three full components, 300 steps.
inline Plan plan_2d(const Sampler& sampler) {
  const Problem problem = bench_2d();
  const ForwardProcess process(problem.process);
  return sampling_plan({&problem.prior, 1}, process, TimeGrid(process, problem.grid), sampler);
}

/// Writes every step of a plan as stages, so that devices run it stage by stage.
inline Plan by_stages(Plan plan) {
  for (Step& step : plan.steps) step = program(step, /*keeps_denoiser=*/false);
  return plan;
}

/// A guided sampler on the benchmark problem of MCGdiff in 80 dimensions with two observed directions: 200 steps.
inline Plan guided_plan_80(const GuidedSampler& sampler) {
  const Problem problem = mcgdiff_problem({.dx = 80, .dy = 2});
  const ForwardProcess process = vp(LinearBeta{.min = 0.1, .max = 30.0});
  const TimeGrid grid(process, UniformGrid{.steps = 200, .t_start = 1.0, .t_end = 1e-3});
  return guided_plan(problem.prior, {&*problem.observation, 1}, process, grid, sampler);
}

/// A sampler on a wide law: VP, 50 uniform steps.
inline Plan plan_of(const Mixture& law, const Sampler& sampler) {
  const ForwardProcess process = vp(LinearBeta{.min = 0.02, .max = 7.0});
  return sampling_plan({&law, 1}, process, TimeGrid::uniform(process, 50), sampler);
}

}  // namespace gmdiff::bench
