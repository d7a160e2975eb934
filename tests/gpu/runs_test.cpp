#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"
#include "device/program_cases.hpp"
#include "gpu/functions.hpp"
#include "gpu/on_gpu.hpp"
#include "support/learned_denoisers.hpp"
#include "support/trained_samplers.hpp"

// cuda = cpu (numerics.md §1): whole runs, compared as bits.

namespace gmdiff {
namespace {

using test::bytes;
using test::is_small;
using test::Shape;

/// Numbers of particles next to the sizes of tiles and thread blocks, and of many thread blocks.
std::vector<std::int64_t> counts() {
  if (is_small()) return {33};
  return {1, 31, 32, 33, 127, 129, 255, 257, 1023, 1025, 100'003};
}

std::vector<Shape> shapes() {
  if (is_small()) return {{2, 3}, {6, 33}};
  std::vector<Shape> list = test::shapes();
  // tiles that barely fit shared memory, or do not fit
  list.insert(list.end(), {{33, 20}, {64, 40}, {130, 3}});
  return list;
}

std::vector<Plan> plans_of(const Mixture& mixture) {
  std::vector<Plan> plans = test::every_kind_of_plan(mixture);
  if (!is_small()) return plans;
  // An exact transition, a noisy step, one with two evaluations, forward paths and draws.
  const std::size_t last = plans.size() - 1;
  return {plans[0], plans[5], plans[8], plans[last - 1], plans[last]};
}

class Runs : public test::OnGpu, public testing::WithParamInterface<CovarianceType> {
 protected:
  static Mixture mixture_of(const Shape& shape) {
    return test::mixture_of(GetParam(), shape.dim, shape.components);
  }
};

std::vector<char> on_cpu(const Plan& plan, Options options) {
  options.device = Device::cpu();
  return bytes(run(plan, options));
}
std::vector<char> on_gpu(const Plan& plan, Options options) {
  options.device = Device::cuda();
  return bytes(run(plan, options));
}

TEST_P(Runs, HaveTheBitsOfTheCpuForEveryPlan) {
  for (const Shape& shape : shapes()) {
    const std::vector<Plan> plans = plans_of(mixture_of(shape));
    for (std::size_t p = 0; p < plans.size(); ++p) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plans[p], precision);
        EXPECT_TRUE(on_gpu(plans[p], options) == on_cpu(plans[p], options))
            << "plan " << p << " d " << shape.dim << " K " << shape.components
            << (precision == Precision::f32 ? " f32" : " f64");
      }
    }
  }
}

TEST_P(Runs, HaveTheBitsOfTheCpuForGuidance) {
  for (const Shape& shape :
       is_small() ? std::vector<Shape>{{6, 3}} : std::vector<Shape>{{2, 3}, {9, 18}, {80, 25}}) {
    const Mixture prior = mixture_of(shape);
    for (const GuidedSampler& sampler : test::every_guided_sampler()) {
      const Plan plan = test::guided_plan_of(sampler, prior, test::observation_of(shape.dim, 3));
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan << shape.dim;
      }
    }
  }
}

TEST_P(Runs, HaveTheBitsOfTheCpuForMarkovChains) {
  for (const Shape& shape :
       is_small() ? std::vector<Shape>{{6, 3}} : std::vector<Shape>{{2, 3}, {9, 18}, {80, 25}}) {
    const Mixture target = mixture_of(shape);
    for (const McmcSampler& sampler : test::every_mcmc_sampler(shape.dim)) {
      const Plan plan = mcmc_plan(target, sampler);
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan << shape.dim;
      }
    }
  }
}

TEST_P(Runs, HaveTheBitsOfTheCpuForAnyNumberOfParticles) {
  for (const Shape& shape : {Shape{2, 3}, Shape{6, 33}}) {
    const Mixture mixture = mixture_of(shape);
    for (const Sampler& sampler : {Sampler(EulerMaruyama{}), Sampler(ExactTransition{})}) {
      const Plan plan = test::plan_of(sampler, {mixture});
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        for (const std::int64_t count : counts()) {
          const Options options{.count = count, .seed = 11, .precision = precision};
          EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options))
              << count << " particles, d " << shape.dim;
        }
      }
    }
  }
}

TEST_P(Runs, HaveTheBitsOfTheCpuForGivenStarts) {
  for (const Shape& shape : shapes()) {
    const Plan plan = test::plan_of(EulerMaruyama{}, {mixture_of(shape)});
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = test::options_for(plan, precision);
      options.start = test::normals(options.count, shape.dim, 9);
      EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << "d " << shape.dim;
    }
  }
}

TEST_P(Runs, HaveTheBitsOfTheCpuForGivenPoints) {
  for (const Shape& shape : shapes()) {
    const Mixture mixture = mixture_of(shape);
    const Points x = 3.0 * test::normals(is_small() ? 33 : 1025, shape.dim, 9);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const auto on = [&](const Device& device) {
        return evaluate(mixture, x, {.alpha = 0.75, .sigma = 0.5},
                        {.log_responsibilities = true,
                         .score = true,
                         .denoiser = true,
                         .device = device,
                         .precision = precision});
      };
      const Evaluation gpu = on(Device::cuda());
      const Evaluation cpu = on(Device::cpu());
      EXPECT_EQ(gpu.log_density, cpu.log_density) << "d " << shape.dim;
      EXPECT_EQ(gpu.log_responsibilities, cpu.log_responsibilities) << "d " << shape.dim;
      EXPECT_EQ(gpu.score, cpu.score) << "d " << shape.dim;
      EXPECT_EQ(gpu.denoiser, cpu.denoiser) << "d " << shape.dim;
    }
  }
}

TEST_P(Runs, AreTheirRangesPutTogether) {
  for (const Shape& shape : {Shape{2, 3}, Shape{6, 33}}) {
    const Plan plan = test::plan_of(Dpmpp2s{}, {mixture_of(shape)});
    const Options whole = test::options_for(plan, Precision::f32);
    std::vector<char> joined;
    for (const auto& [begin, end] : {std::pair{0, 1}, std::pair{1, 40}, std::pair{40, 75}}) {
      Options part = whole;
      part.first += begin;
      part.count = end - begin;
      const std::vector<char> rows = on_gpu(plan, part);
      joined.insert(joined.end(), rows.begin(), rows.end());
    }
    EXPECT_TRUE(joined == on_cpu(plan, whole)) << "d " << shape.dim;
  }
}

TEST_P(Runs, DoNotDependOnTheMemoryLimit) {
  // The smallest limit gives pieces of a few particles and windows of a few steps.
  for (const Sampler& sampler : {Sampler(Dpmpp2m{}), Sampler(EulerMaruyama{}), Sampler(ExactTransition{})}) {
    for (const Shape& shape :
         is_small() ? std::vector<Shape>{{2, 3}} : std::vector<Shape>{{2, 3}, {19, 100}}) {
      const Plan plan = test::plan_of(sampler, {mixture_of(shape)});
      Options options{.count = 2500, .seed = 5};
      const std::vector<char> expected = on_cpu(plan, options);
      options.memory_limit = test::smallest_memory_limit(plan, options, *make_executor(Device::cuda()));
      int pieces = 0;
      options.progress = [&](const Progress&) { ++pieces; };
      EXPECT_TRUE(on_gpu(plan, options) == expected) << "d " << shape.dim;
      EXPECT_GE(pieces, 3);
    }
  }
}

class RunsOfMaps : public test::OnGpu {};

TEST_F(RunsOfMaps, HaveTheBitsOfTheCpu) {
  for (const Plan& plan : test::every_guided_plan_with_map()) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options = test::options_for(plan, precision);
      EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan;
    }
  }
}

class RunsOfTargets : public test::OnGpu {};

TEST_F(RunsOfTargets, HaveTheBitsOfTheCpu) {
  for (const Target& target : test::every_target()) {
    for (const Plan& plan : test::every_plan_of(target)) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan;
      }
    }
  }
}

class RunsOfDynamics : public test::OnGpu {};

TEST_F(RunsOfDynamics, HaveTheBitsOfTheCpu) {
  for (const Plan& plan : test::every_plan_of_dynamics()) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = test::options_for(plan, precision);
      options.history = 3;
      EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan;
    }
  }
}

TEST_F(RunsOfDynamics, CallFunctionsOnTheRowsOfTheGpu) {
  CustomField on_gpu_rows = test::shifted();
  on_gpu_rows.evaluate = nullptr;
  int calls = 0;
  on_gpu_rows.device = [&calls](const DeviceFieldRows& rows) {
    ++calls;
    test::shift_rows_on_gpu(rows.x, rows.values, rows.t, rows.count, rows.dim,
                            rows.precision == Precision::f64, rows.stream);
  };
  const auto plan_of = [](const CustomField& field) {
    return dynamics_plan(
        {.custom_drift = field, .noise = 0.5, .steps = 5, .scheme = Scheme::heun, .start = GaussianStart{}});
  };
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const Options options{.count = 333, .seed = 3, .precision = precision, .history = 3};
    calls = 0;
    EXPECT_TRUE(on_gpu(plan_of(on_gpu_rows), options) == on_cpu(plan_of(test::shifted()), options));
    EXPECT_EQ(calls, 10);
  }
}

class RunsOfLearnedDenoisers : public test::OnGpu {};

TEST_F(RunsOfLearnedDenoisers, HaveTheBitsOfTheCpu) {
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 5);
  for (const test::NetworkSizes& sizes : test::network_sizes()) {
    for (const Precision of_network : {Precision::f32, Precision::f64}) {
      const HostDenoiser denoiser = test::random_denoiser(sizes, Parametrisation::edm, of_network).denoiser();
      const LinearObservation observation = test::observation_of(sizes.dim, 1);
      for (const Plan& plan :
           {sampling_plan(denoiser, sizes.dim, process, grid, Ancestral{.start = Start::gaussian}),
            guided_plan(denoiser, observation, process, grid, Dps{.zeta = 0.3, .integrator = Ddim{}}),
            guided_plan(denoiser, observation, process, grid, Tmp{.integrator = Ddim{}})}) {
        for (const Precision precision : {Precision::f32, Precision::f64}) {
          Options options = test::options_for(plan, precision);
          EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan << sizes.hidden;
          if (is_small()) continue;
          options.count = 20'003;  // enough for tiles of 32 particles
          EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options)) << plan << sizes.hidden;
        }
      }
    }
  }
}

class RunsOfTrainedSamplers : public test::OnGpu {};

TEST_F(RunsOfTrainedSamplers, HaveTheBitsOfTheCpu) {
  const Target target = Funnel{.dim = 3};
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const Precision of_networks : {Precision::f32, Precision::f64}) {
      SamplerSettings settings = test::small_sampler(method);
      settings.precision = of_networks;
      const PathPlan plan = TrainedSampler(test::random_sampler(target, settings), target).plan();
      for (const std::int64_t count : {75, is_small() ? 33 : 20'003}) {
        const auto on = [&](const Device& device) {
          return run(plan, {.count = count, .seed = 3, .device = device, .precision = Precision::f64});
        };
        const PathSamples found = on(Device::cuda()), expected = on(Device::cpu());
        EXPECT_EQ(found.provenance().device, "cuda");
        EXPECT_EQ(found.to_double(), expected.to_double()) << to_string(method) << count;
        EXPECT_EQ(found.log_weights(), expected.log_weights()) << to_string(method) << count;
      }
    }
  }
}

TEST_F(RunsOfTrainedSamplers, AreTrainedWithTheBitsOfTheCpu) {
  const Target target = Funnel{.dim = 3};
  for (const PathMethod method :
       {PathMethod::dis, PathMethod::ula, PathMethod::mcd, PathMethod::cmcd, PathMethod::dbs}) {
    for (const Precision of_networks : {Precision::f32, Precision::f64}) {
      for (const PathLoss loss : {PathLoss::elbo, PathLoss::log_variance}) {
        SamplerSettings settings = test::small_sampler(method);
        settings.precision = of_networks;
        settings.loss = loss;
        settings.iterations = is_small() ? 2 : 20;
        settings.hidden = is_small() ? 12 : 128;
        settings.langevin = method == PathMethod::mcd;
        const auto trained = [&](const Device& device) {
          return continue_sampler(test::random_sampler(target, settings), target, {.device = device});
        };
        const SamplerTraining found = trained(Device::cuda()), expected = trained(Device::cpu());
        EXPECT_EQ(found.parameters, expected.parameters) << to_string(method) << to_string(loss);
        EXPECT_EQ(found.networks, expected.networks) << to_string(method) << to_string(loss);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, Runs, testing::ValuesIn(test::every_structure()), test::structure_name);

class Batches : public test::OnGpu {};

TEST_F(Batches, HaveTheBitsOfTheCpu) {
  const Plan plan = test::plan_of(Ddim{.eta = 1.0}, {test::mixture_of(CovarianceType::full, 3, 4, 1),
                                                     test::mixture_of(CovarianceType::full, 3, 4, 7)});
  const Options options = test::options_for(plan, Precision::f32);
  EXPECT_TRUE(on_gpu(plan, options) == on_cpu(plan, options));
}

}  // namespace
}  // namespace gmdiff
