#include <gmdiff/device/smc.hpp>

#include "device/smc_kernel_cases.hpp"
#include "gpu/on_gpu.hpp"
#include "support/learned_denoisers.hpp"

// cuda = cpu (numerics.md §1) for sequential Monte Carlo: samples, evidence, weights, ancestors, compared as
// bits.

namespace gmdiff {
namespace {

using test::all_bytes;
using test::is_small;

SmcSamples on(const Device& device, const SmcPlan& plan, Options options) {
  options.device = device;
  return run(plan, options);
}

class SmcRuns : public test::OnGpu, public testing::WithParamInterface<CovarianceType> {
 protected:
  static void expect_same_bits(Eigen::Index dim, const test::SmcSettings& settings, const Options& options) {
    const SmcPlan plan = test::smc_plan_of(GetParam(), dim, settings);
    EXPECT_TRUE(all_bytes(on(Device::cuda(), plan, options)) == all_bytes(on(Device::cpu(), plan, options)))
        << settings.name << " d " << dim << " N " << settings.particles << " scheme "
        << static_cast<int>(settings.resampling);
  }
};

TEST_P(SmcRuns, HaveTheBitsOfTheCpuForEverySampler) {
  for (const Eigen::Index dim :
       is_small() ? std::vector<Eigen::Index>{2} : std::vector<Eigen::Index>{1, 2, 5, 8, 17, 80}) {
    for (test::SmcSettings settings : test::every_smc_sampler()) {
      settings.particles = is_small() ? 40 : 130;
      settings.ess_threshold = 0.7;
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        expect_same_bits(
            dim, settings,
            {.count = is_small() ? 2 : 300, .seed = 3, .precision = precision, .smc_history = true});
      }
    }
  }
}

TEST_P(SmcRuns, HaveTheBitsOfTheCpuForEverySchemeAndNumberOfParticles) {
  for (const Resampling scheme :
       {Resampling::systematic, Resampling::stratified, Resampling::multinomial, Resampling::residual}) {
    for (const int particles :
         is_small() ? std::vector<int>{33} : std::vector<int>{1, 31, 33, 127, 129, 1000, 4001}) {
      test::SmcSettings settings = test::every_smc_sampler().front();
      settings.particles = particles;
      settings.resampling = scheme;
      settings.output = SmcOutput::particles;
      expect_same_bits(
          3, settings,
          {.count = is_small() ? 2 : 50, .seed = 5, .precision = Precision::f32, .smc_history = true});
    }
  }
}

TEST_P(SmcRuns, HaveTheBitsOfTheCpuWhereBlocksShareAChain) {
  for (test::SmcSettings settings : test::every_smc_sampler()) {
    settings.particles = is_small() ? 2048 : 300'001;
    settings.resampling = Resampling::residual;
    settings.output = SmcOutput::particles;
    expect_same_bits(
        3, settings,
        {.count = 1, .seed = 7, .precision = Precision::f32, .first = 14'316, .smc_history = true});
  }
}

class SmcRunsOfLearnedDenoisers : public test::OnGpu {};

TEST_F(SmcRunsOfLearnedDenoisers, HaveTheBitsOfTheCpu) {
  for (const Eigen::Index dim :
       is_small() ? std::vector<Eigen::Index>{2} : std::vector<Eigen::Index>{1, 2, 17, 80}) {
    const HostDenoiser denoiser =
        test::random_denoiser({dim, 16, 2}, Parametrisation::edm, Precision::f32).denoiser();
    for (const SmcSampler& sampler : test::smc_samplers_of_denoisers(is_small() ? 40 : 130)) {
      const SmcPlan plan = test::smc_plan_by(denoiser, dim, sampler);
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options{
            .count = is_small() ? 2 : 300, .seed = 9, .precision = precision, .smc_history = true};
        EXPECT_TRUE(all_bytes(on(Device::cuda(), plan, options)) ==
                    all_bytes(on(Device::cpu(), plan, options)))
            << plan << dim;
      }
    }
  }
}

TEST_P(SmcRuns, HaveTheBitsOfTheCpuWithAMap) {
  for (const Eigen::Index dim :
       is_small() ? std::vector<Eigen::Index>{2} : std::vector<Eigen::Index>{1, 2, 8, 17, 40}) {
    const Mixture prior = test::mixture_of(GetParam(), dim, dim == 2 ? 18 : 5);
    for (const SmcPlan& plan : test::every_smc_plan_with_map(prior, is_small() ? 40 : 130)) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options{
            .count = is_small() ? 2 : 300, .seed = 9, .precision = precision, .smc_history = true};
        EXPECT_TRUE(all_bytes(on(Device::cuda(), plan, options)) ==
                    all_bytes(on(Device::cpu(), plan, options)))
            << "d " << dim;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, SmcRuns,
                         testing::Values(CovarianceType::spherical, CovarianceType::diag,
                                         CovarianceType::full),
                         test::structure_name);

}  // namespace
}  // namespace gmdiff
