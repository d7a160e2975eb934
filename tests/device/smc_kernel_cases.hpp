#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include <gmdiff/model/observation.hpp>
#include <gmdiff/plan/smc_plan.hpp>
#include <gmdiff/sampler/smc.hpp>

#include "device/smc_cases.hpp"

// SMC cases for the kernels: more settings, fewer particles.

namespace gmdiff::test {

struct SmcSettings {
  std::string name;
  bool is_bootstrap = false;
  SmcKernel kernel = SmcKernel::ddim;
  Mcgdiff::Variant variant = Mcgdiff::Variant::C;
  Start start = Start::exact;
  int particles = 40;
  Resampling resampling = Resampling::systematic;
  double ess_threshold = 1.0;
  SmcOutput output = SmcOutput::draw;
  double noise_std = 0.4;
};

/// Every kernel, variant and start.
inline std::vector<SmcSettings> every_smc_sampler() {
  using enum Mcgdiff::Variant;
  return {{.name = "C ddim"},
          {.name = "C exact", .kernel = SmcKernel::exact},
          {.name = "A ddim", .variant = A, .start = Start::gaussian},
          {.name = "A exact", .kernel = SmcKernel::exact, .variant = A},
          {.name = "A without noise", .variant = A, .noise_std = 0.0},
          {.name = "bootstrap ddim", .is_bootstrap = true},
          {.name = "bootstrap exact",
           .is_bootstrap = true,
           .kernel = SmcKernel::exact,
           .start = Start::gaussian}};
}

/// With 18 components, more than a chunk, at 2 coordinates; an observation of some coordinates, that keeps
/// the structure.
inline SmcPlan smc_plan_of(CovarianceType structure, Eigen::Index dim, const SmcSettings& settings) {
  const Mixture prior = mixture_of(structure, dim, dim == 2 ? 18 : 5);
  const Eigen::Index observed = (dim + 2) / 3;
  Eigen::MatrixXd A = Eigen::MatrixXd::Zero(observed, dim);
  for (Eigen::Index i = 0; i < observed; ++i) A(i, i) = 2.0 / (1.0 + 0.1 * static_cast<double>(i));
  if (structure == CovarianceType::full) A = A * rotation(dim, 4);
  const Eigen::VectorXd y = normals(observed, 1, 6).col(0);
  const ForwardProcess process = vp(LinearBeta{});
  const auto with = [&](auto sampler) {
    sampler.particles = settings.particles;
    sampler.kernel = settings.kernel;
    sampler.start = settings.start;
    sampler.resampling = settings.resampling;
    sampler.ess_threshold = settings.ess_threshold;
    sampler.output = settings.output;
    return smc_plan(prior, LinearObservation(A, y, settings.noise_std), process,
                    TimeGrid::uniform(process, 4), sampler);
  };
  if (settings.is_bootstrap) return with(Bootstrap{});
  return with(Mcgdiff{.variant = settings.variant});
}

}  // namespace gmdiff::test
