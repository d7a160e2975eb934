#pragma once

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <Eigen/Core>
#include <Eigen/QR>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/plan/plan.hpp>
#include <gmdiff/sampler/sampler.hpp>

#include "base/random.hpp"
#include "device/executor.hpp"

// Laws and samplers for the tests of devices: every covariance structure, every sampler.

namespace gmdiff::test {

/// Standard normals, (rows, columns), the same on every machine.
inline Points normals(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed) {
  Points values(rows, columns);
  NormalStream stream({.seed = seed, .index = 0, .purpose = Purpose::user}, Precision::f64);
  for (Eigen::Index n = 0; n < values.size(); ++n) values.data()[n] = stream(static_cast<std::uint64_t>(n));
  return values;
}

inline Eigen::MatrixXd rotation(Eigen::Index dim, std::uint64_t seed) {
  const Eigen::MatrixXd square = normals(dim, dim, seed);
  return square.householderQr().householderQ();
}

/// A mixture with means of size 2, variances between 0.2 and 2, and, from three components on, one of weight
/// 0.
inline Mixture mixture_of(CovarianceType structure, Eigen::Index dim, Eigen::Index components,
                          std::uint64_t seed = 1) {
  const auto in_range = [](double z) { return 0.2 + 1.8 / (1.0 + std::exp(-z)); };
  std::vector<double> weights;
  for (Eigen::Index k = 0; k < components; ++k) weights.push_back(1.0 + 0.5 * static_cast<double>(k % 3));
  if (components >= 3) weights[1] = 0.0;
  const Points means = 2.0 * normals(components, dim, seed);
  const Points variances = normals(components, dim, seed + 1).unaryExpr(in_range);
  const auto bases = [&] {
    std::vector<Eigen::MatrixXd> list;
    for (Eigen::Index k = 0; k < components; ++k)
      list.push_back(rotation(dim, seed + 2 + static_cast<std::uint64_t>(k)));
    return list;
  };
  switch (structure) {
    case CovarianceType::spherical:
      return {weights, means,
              Covariance::spherical(std::vector<double>(variances.data(), variances.data() + components))};
    case CovarianceType::diag:
      return {weights, means, Covariance::diag(variances)};
    case CovarianceType::tied:
      return {weights, means, Covariance::tied_eigen(rotation(dim, seed + 2), variances.row(0).transpose())};
    case CovarianceType::common_basis:
      return {weights, means, Covariance::common_basis(rotation(dim, seed + 2), variances)};
    case CovarianceType::full:
      break;
  }
  return {weights, means, Covariance::full_eigen(bases(), variances)};
}

/// Selects which of many combinations run: every n-th one, at a stride that shares no factor with the loops,
/// so that every kind occurs. Fewer run under sanitizers, where unoptimised code is slow. With the
/// environment variable GMDIFF_EVERY_CASE all run.
class Turns {
 public:
  explicit Turns([[maybe_unused]] int under_sanitizers, [[maybe_unused]] int otherwise = 1) {
    if (std::getenv("GMDIFF_EVERY_CASE") != nullptr) return;
#ifdef GMDIFF_FEWER_CASES
    every_ = under_sanitizers;
#else
    every_ = otherwise;
#endif
  }
  bool next() { return count_++ % every_ == 0; }

 private:
  int every_ = 1;
  int count_ = 0;
};

inline const std::vector<CovarianceType>& every_structure() {
  static const std::vector<CovarianceType> list{CovarianceType::spherical, CovarianceType::diag,
                                                CovarianceType::tied, CovarianceType::common_basis,
                                                CovarianceType::full};
  return list;
}

inline std::vector<Sampler> every_sampler() {
  return {ExactTransition{},
          ExactTransition{.start = Start::gaussian},
          Ancestral{},
          Ancestral{.variance = Ancestral::Variance::large},
          Ddim{},
          Ddim{.eta = 0.5, .churn = 1.0, .churn_noise = 1.01},
          EulerMaruyama{},
          Euler{.churn = 0.5},
          Heun{},
          Heun{.variable = Heun::Variable::n, .churn = 2.0, .churn_min = 0.1},
          Dpmpp2s{},
          Dpmpp2m{},
          SdeDpmpp2m{.start = Start::gaussian},
          Dpmpp3m{},
          Unipc3{},
          ExactAncestral{},
          ExactDecoupled{},
          NaiveBackward{},
          Annealed{.inner = 2},
          Annealed{.relative_step = 0.3, .inner = 1, .denoise = false, .start = Start::exact}};
}

inline Plan plan_of(const Sampler& sampler, std::vector<Mixture> mixtures) {
  const ForwardProcess process = vp(LinearBeta{});
  return sampling_plan(mixtures, process, TimeGrid::uniform(process, 5), sampler);
}

inline std::vector<Plan> every_kind_of_plan(const Mixture& mixture) {
  std::vector<Plan> plans;
  for (const Sampler& sampler : every_sampler()) plans.push_back(plan_of(sampler, {mixture}));
  const ForwardProcess process = vp(LinearBeta{});
  plans.push_back(forward_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 5)));
  plans.push_back(draw_plan(std::span(&mixture, 1), {.alpha = 0.5, .sigma = 0.25}));
  return plans;
}

/// A plan whose states overflow in its third step.
inline Plan wild_plan(const Mixture& mixture) {
  Plan plan = draw_plan(std::span(&mixture, 1));
  AffineStep calm, wild;
  calm.a = 1.0;
  wild.a = 1e300;
  plan.kind = PlanKind::sample;
  plan.steps = {calm, calm, wild, wild, calm};
  plan.times = {1.0, 0.8, 0.6, 0.4, 0.2, 0.0};
  return plan;
}

inline Options options_for(const Plan& plan, Precision precision) {
  // A count that is no multiple of any tile, and indices that need both words.
  Options options{
      .count = 75, .seed = 3, .device = Device::cpu(1), .precision = precision, .first = 5'000'000'000};
  if (plan.kind == PlanKind::sample) options.history = 4;
  return options;
}

/// The smallest number of bytes that the executor accepts.
inline std::size_t smallest_memory_limit(const Plan& plan, Options options, const Executor& executor) {
  options.memory_limit = 1;
  try {
    run(plan, options, 0, executor);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    return std::stoull(message.substr(message.rfind(' ')));
  }
  return 0;
}

/// Options with the smallest memory limit, and with it several batches.
inline Options in_batches(const Plan& plan, Options options, const Executor& executor) {
  options.memory_limit = smallest_memory_limit(plan, options, executor);
  EXPECT_LT(executor.batch_size(plan, options.precision, plan.kept.size(), options.memory_limit),
            options.count);
  return options;
}

struct Shape {
  Eigen::Index dim, components;
};

/// Small and wide laws; one chunk of components and several; sizes beside those of tiles.
inline const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list{{1, 1},  {1, 20}, {2, 3},   {3, 17}, {4, 9},  {5, 3},
                                       {6, 33}, {9, 16}, {14, 18}, {19, 5}, {17, 33}};
  return list;
}

inline std::string structure_name(const testing::TestParamInfo<CovarianceType>& info) {
  return info.param == CovarianceType::common_basis ? "common_basis" : to_string(info.param);
}

}  // namespace gmdiff::test
