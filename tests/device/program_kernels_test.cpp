#include <gtest/gtest.h>

#include "device/cpu/cpu.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "device/program_cases.hpp"
#include "support/host_gpu.hpp"

// Programs on the kernels of the GPU, run on the host block: the bits of the device cpu, in every order of
// threads, in shared and in global memory, with tiles and in batches.

namespace gmdiff {
namespace {

using test::HostGpu;
using test::ThreadOrder;

struct Case {
  ThreadOrder order;
  std::size_t shared_bytes;
  Extent extent;
};
constexpr std::size_t wide = 227 << 10;
constexpr std::size_t none = 4 << 10;
constexpr Case cases[] = {{ThreadOrder::ascending, wide, Extent::tile},
                          {ThreadOrder::descending, wide, Extent::tile},
                          {ThreadOrder::shuffled, none, Extent::tile},
                          {ThreadOrder::shuffled, wide, Extent::batch}};

std::unique_ptr<Executor> executor_of(const Case& c) {
  return cuda::make_executor(std::make_unique<HostGpu>(c.order, c.shared_bytes), "cuda");
}

/// Message of the std::invalid_argument that f throws, or "no message".
template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no message";
}

/// Compares runs on the host block with the cpu's.
void expect_bits_of_cpu(const Plan& plan, const Options& options, test::Turns& turns) {
  std::optional<Samples> expected;
  const auto probabilities = [](const Samples& samples) {
    return samples.acceptance() ? samples.acceptance()->probability : std::vector<double>();
  };
  for (const Case& c : cases) {
    if (!turns.next()) continue;
    if (!expected) expected = run(plan, options, 0, *cpu::make_executor(1), Extent::tile);
    const Samples found = run(plan, options, 0, *executor_of(c), c.extent);
    EXPECT_TRUE(test::bytes(found) == test::bytes(*expected) &&
                probabilities(found) == probabilities(*expected) &&
                test::steps_of(found) == test::steps_of(*expected) &&
                test::moments_of(found) == test::moments_of(*expected))
        << plan << "order " << static_cast<int>(c.order) << " shared " << c.shared_bytes << " extent "
        << static_cast<int>(c.extent) << (options.precision == Precision::f32 ? " f32" : " f64");
  }
}

class ProgramKernels : public testing::TestWithParam<CovarianceType> {};

TEST_P(ProgramKernels, HaveTheBitsOfTheCpuForEveryPlan) {
  test::Turns turns(97, 3);
  for (const test::Shape& shape : {test::Shape{2, 3}, test::Shape{5, 17}, test::Shape{17, 3}}) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const Plan& plan : test::every_kind_of_plan(mixture)) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        expect_bits_of_cpu(plan, test::options_for(plan, precision), turns);
      }
    }
  }
}

TEST_P(ProgramKernels, HaveTheBitsOfTheCpuForGuidance) {
  test::Turns turns(101, 5);
  for (const test::Shape& shape : {test::Shape{1, 1}, test::Shape{6, 3}, test::Shape{9, 18}}) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const Eigen::Index rows : {1, 6}) {
      const LinearObservation observation = test::observation_of(shape.dim, rows);
      for (const GuidedSampler& sampler : test::every_guided_sampler()) {
        const Plan plan = test::guided_plan_of(sampler, mixture, observation);
        for (const Precision precision : {Precision::f32, Precision::f64}) {
          expect_bits_of_cpu(plan, test::options_for(plan, precision), turns);
        }
      }
    }
  }
}

TEST_P(ProgramKernels, HaveTheBitsOfTheCpuForMarkovChains) {
  // Chains see a basis that all components share as one of each component.
  if (GetParam() == CovarianceType::tied) return;
  test::Turns turns(61);
  for (const test::Shape& shape : {test::Shape{1, 1}, test::Shape{9, 18}}) {
    const Mixture target = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const McmcSampler& sampler : test::every_mcmc_sampler(shape.dim)) {
      for (const Precision precision : {Precision::f32, Precision::f64})
        expect_bits_of_cpu(mcmc_plan(target, sampler), {.count = 75, .precision = precision}, turns);
    }
  }
}

TEST(ProgramKernelsOfMarkovChains, HaveTheBitsOfTheCpuForStepsOfTheirOwn) {
  test::Turns turns(61, 3);
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 3);
  for (const McmcSampler& sampler : test::every_adapting_sampler(2)) {
    for (const Precision precision : {Precision::f32, Precision::f64})
      expect_bits_of_cpu(mcmc_plan(target, sampler), {.count = 40, .precision = precision}, turns);
  }
}

TEST(ProgramKernelsOfMarkovChains, HaveTheBitsOfTwoHalves) {
  const Mixture target = test::mixture_of(CovarianceType::full, 2, 3);
  const auto device = executor_of(cases[0]);
  const auto on_block = [&](const Plan& plan, const Options& options) {
    return run(plan, options, 0, *device, Extent::tile);
  };
  test::Turns turns(4);
  for (const McmcSampler& sampler : test::every_continued_sampler(2)) {
    if (!turns.next()) continue;
    const bool has_velocity =
        std::holds_alternative<Baoab>(sampler) || std::holds_alternative<Obabo>(sampler);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      if (!has_velocity && precision == Precision::f64) continue;
      EXPECT_TRUE(
          test::has_bits_of_two_halves(target, sampler, {.count = 40, .precision = precision}, on_block))
          << sampler.index();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, ProgramKernels, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

TEST(ProgramKernelsOfTargets, HaveTheBitsOfTheCpu) {
  test::Turns turns(149, 3);
  for (const Target& target : test::every_target()) {
    for (const Plan& plan : test::every_plan_of(target)) {
      for (const Precision precision : {Precision::f32, Precision::f64})
        expect_bits_of_cpu(plan, {.count = 75, .precision = precision}, turns);
    }
  }
}

TEST(ProgramKernelsOfTargets, HaveTheBitsOfTheCpuForProximalMaps) {
  const std::vector<Target> targets = test::every_regularised_target();
  test::Turns turns(5);
  for (const Target& target : {targets[2], targets[3]}) {
    for (const Precision precision : {Precision::f32, Precision::f64})
      expect_bits_of_cpu(test::proximal_plans_of(target).back(), {.count = 75, .precision = precision},
                         turns);
  }
}

TEST(ProgramKernelsOfMaps, HaveTheBitsOfTheCpu) {
  test::Turns turns(19);
  const std::vector<Plan> plans = test::every_guided_plan_with_map();
  // Every third one meets all methods, maps and structures.
  for (std::size_t n = 0; n < plans.size(); n += 3) {
    const Plan& plan = plans[n];
    for (const Precision precision : {Precision::f32, Precision::f64})
      expect_bits_of_cpu(plan, test::options_for(plan, precision), turns);
  }
}

TEST(ProgramKernelsOfDynamics, HaveTheBitsOfTheCpu) {
  test::Turns turns(31);
  for (const Plan& plan : test::every_plan_of_dynamics()) {
    for (const Precision precision : {Precision::f32, Precision::f64})
      expect_bits_of_cpu(plan, {.count = 75, .precision = precision, .history = 4}, turns);
  }
}

// --- custom denoisers ---------------------------------------------------------------------------------

Plan plan_by_hand(const Denoiser& denoiser, Eigen::Index dim) {
  const ForwardProcess process = vp(LinearBeta{});
  return sampling_plan(denoiser, dim, process, TimeGrid::uniform(process, 5),
                       Ancestral{.start = Start::gaussian});
}

/// The denoiser of N(0, I) on rows of a GPU: D = alpha x / (alpha^2 + sigma^2).
template <class Real>
void shrink(const DeviceRows& rows) {
  const auto* x = static_cast<const Real*>(rows.x);
  auto* D = static_cast<Real*>(rows.denoised);
  const double factor =
      rows.level.alpha / (rows.level.alpha * rows.level.alpha + rows.level.sigma * rows.level.sigma);
  for (std::int64_t n = 0; n < rows.count * rows.dim; ++n) {
    D[n] = static_cast<Real>(factor * static_cast<double>(x[n]));
  }
}

TEST(DenoiserOfAProgram, IsCalledWithTheRowsOfAGpu) {
  const DeviceDenoiser on_gpu{.id = "shrink", .function = [](const DeviceRows& rows) {
                                rows.precision == Precision::f32 ? shrink<float>(rows) : shrink<double>(rows);
                              }};
  const HostDenoiser on_host{.id = "shrink", .function = [](const Points& x, Level level, Points& D) {
                               D = level.alpha / (level.alpha * level.alpha + level.sigma * level.sigma) * x;
                             }};
  for (const Eigen::Index dim : {1, 5, 40}) {
    const Plan plan = plan_by_hand(on_gpu, dim);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options = test::options_for(plan, precision);
      const std::vector<char> expected = test::bytes(run(plan_by_hand(on_host, dim), options));
      const auto device = executor_of(cases[0]);
      EXPECT_TRUE(test::bytes(run(plan, options, 0, *device)) == expected) << dim;
      EXPECT_TRUE(test::bytes(run(plan_by_hand(on_host, dim), options, 0, *device)) == expected) << dim;
    }
  }
}

TEST(DenoiserOfAProgram, MayComputeInMemoryOfItsOwn) {
  std::vector<std::int64_t> refused;
  const DeviceDenoiser own{.id = "shrink", .function = [&](const DeviceRows& rows) {
                             EXPECT_EQ(rows.index, 5);
                             std::vector<double> D(static_cast<std::size_t>(rows.count * rows.dim));
                             DeviceRows other = rows;
                             other.denoised = D.data();
                             rows.wait();
                             shrink<double>(other);
                             const std::int64_t half = rows.count / 2;
                             rows.write(D.data() + half * rows.dim, half, rows.count - half);
                             rows.write(D.data(), 0, half);
                             try {
                               rows.write(D.data(), 1, rows.count);
                             } catch (const std::invalid_argument&) {
                               refused.push_back(rows.count);
                             }
                           }};
  const DeviceDenoiser in_place{.id = "shrink", .function = shrink<double>};
  const Options options{.count = 75, .precision = Precision::f64};
  const auto device = executor_of(cases[0]);
  EXPECT_TRUE(test::bytes(run(plan_by_hand(own, 3), options, 0, *device)) ==
              test::bytes(run(plan_by_hand(in_place, 3), options, 0, *device)));
  EXPECT_EQ(refused, std::vector<std::int64_t>(5, 75));
}

/// The score, or the noise, of N(0, I) on rows of a GPU.
template <Prediction prediction>
void predict_normal(const DeviceRows& rows) {
  const auto* x = static_cast<const double*>(rows.x);
  auto* out = static_cast<double*>(rows.denoised);
  const double variance = rows.level.alpha * rows.level.alpha + rows.level.sigma * rows.level.sigma;
  const double factor = prediction == Prediction::score ? -1.0 : rows.level.sigma;
  for (std::int64_t n = 0; n < rows.count * rows.dim; ++n) out[n] = factor * x[n] / variance;
}

TEST(DenoiserOfAProgram, IsComputedFromAScoreOrTheNoise) {
  const Options options{.count = 75, .precision = Precision::f64};
  const auto device = executor_of(cases[0]);
  const DeviceDenoiser exact{.id = "normal", .function = shrink<double>};
  const DeviceDenoiser score{
      .id = "normal", .function = predict_normal<Prediction::score>, .prediction = Prediction::score};
  const DeviceDenoiser noise{
      .id = "normal", .function = predict_normal<Prediction::noise>, .prediction = Prediction::noise};
  const Points expected = run(plan_by_hand(exact, 3), options, 0, *device).to_double();
  for (const DeviceDenoiser& denoiser : {score, noise}) {
    const Points found = run(plan_by_hand(denoiser, 3), options, 0, *device).to_double();
    // D = alpha x / v from terms of size x / alpha; 1e-16 / alpha^2 is 3e-12 at the first level.
    EXPECT_LT((found - expected).cwiseAbs().maxCoeff(), 1e-11);
    Plan over = plan_by_hand(denoiser, 3);
    over.steps.front() =
        Program{{Evaluate{.denoiser = 1, .level = {.alpha = 0.6, .sigma = 0.8}, .from = 0, .to = 0}}};
    EXPECT_EQ(
        message_of([&] { run(over, options, 0, *device); }),
        "denoiser \"normal\": D is computed from x and a prediction, so a stage must not write it over x");
    const ForwardProcess flow(RectifiedFlow{});
    const Plan from_noise =
        sampling_plan(denoiser, 3, flow, TimeGrid::uniform(flow, 3), Ddim{.start = Start::gaussian});
    EXPECT_EQ(
        message_of([&] { run(from_noise, options, 0, *device); }),
        "denoiser \"normal\": has no value at alpha = 0, where a score or the noise says nothing about the "
        "data; start the grid below that time, or compute the denoiser");
  }
}

TEST(DenoiserOfAProgram, GuidesOnTheRowsOfAGpu) {
  const ForwardProcess process = vp(LinearBeta{});
  for (const Eigen::Index dim : {2, 9}) {
    const Denoiser denoiser = test::denoiser_of_mixture(test::mixture_of(CovarianceType::diag, dim, 3));
    for (const GuidedSampler& sampler : test::guided_samplers_of_denoisers()) {
      const Plan plan = guided_plan(denoiser, test::observation_of(dim, 2), process,
                                    TimeGrid::uniform(process, 3), sampler);
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        const std::vector<char> expected = test::bytes(run(plan, options));
        const auto device = executor_of(cases[0]);
        EXPECT_TRUE(test::bytes(run(plan, options, 0, *device)) == expected) << plan << dim;
      }
    }
  }
}

/// N(0, I) in dimension 3, on rows of a GPU.
template <class Real>
void normal_target(const DeviceTargetRows& rows) {
  const auto* x = static_cast<const Real*>(rows.x);
  auto* g = static_cast<Real*>(rows.gradient);
  for (std::int64_t n = 0; n < rows.count; ++n) {
    double l = 0.0;
    for (std::int64_t i = n * rows.dim; i < (n + 1) * rows.dim; ++i) {
      l -= 0.5 * static_cast<double>(x[i]) * static_cast<double>(x[i]);
      g[i] = -x[i];
    }
    rows.log_density[n] = l;
  }
}

TEST(TargetOfAProgram, IsCalledWithTheRowsOfAGpu) {
  const CustomTarget on_host{.dim = 3,
                             .evaluate =
                                 [](Eigen::Index n, const double* x, double* l, double* g) {
                                   normal_target<double>({.x = x,
                                                          .log_density = l,
                                                          .gradient = g,
                                                          .count = n,
                                                          .dim = 3,
                                                          .precision = Precision::f64,
                                                          .stream = nullptr});
                                 },
                             .id = "normal"};
  auto gpu = std::make_unique<HostGpu>(ThreadOrder::shuffled, wide);
  void* const stream = gpu->stream();
  const auto device = cuda::make_executor(std::move(gpu), "cuda");
  const CustomTarget on_gpu{.dim = 3,
                            .device =
                                [&](const DeviceTargetRows& rows) {
                                  EXPECT_EQ(rows.stream, stream);
                                  rows.precision == Precision::f32 ? normal_target<float>(rows)
                                                                   : normal_target<double>(rows);
                                },
                            .id = "normal"};
  const ChainRun trace{.steps = 6, .thin = 2, .output = ChainOutput::trace};
  for (const McmcSampler& sampler : {McmcSampler(Mala{.step = 0.7, .run = trace}),
                                     McmcSampler(Obabo{.step = 0.7, .metropolis = true, .run = trace})}) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options{.count = 75, .precision = precision};
      const Samples expected = run(mcmc_plan(on_host, sampler), options);
      for (const CustomTarget& target : {on_host, on_gpu}) {
        const Samples found = run(mcmc_plan(target, sampler), options, 0, *device);
        EXPECT_TRUE(test::bytes(found) == test::bytes(expected));
        EXPECT_EQ(found.acceptance()->probability, expected.acceptance()->probability);
      }
    }
  }
}

/// The field (t, x_1, x_2), on rows of a GPU.
template <class Real>
void shifted_on_gpu(const DeviceFieldRows& rows) {
  const auto* x = static_cast<const Real*>(rows.x);
  auto* f = static_cast<Real*>(rows.values);
  for (std::int64_t n = 0; n < rows.count; ++n, x += rows.dim, f += rows.dim) {
    f[0] = static_cast<Real>(rows.t);
    for (std::int64_t i = 1; i < rows.dim; ++i) f[i] = x[i - 1];
  }
}

TEST(FieldOfAProgram, IsCalledWithTheRowsOfAGpu) {
  auto gpu = std::make_unique<HostGpu>(ThreadOrder::shuffled, wide);
  void* const stream = gpu->stream();
  const auto device = cuda::make_executor(std::move(gpu), "cuda");
  int calls = 0;
  const CustomField on_gpu{.dim = 3,
                           .device =
                               [&](const DeviceFieldRows& rows) {
                                 EXPECT_EQ(rows.stream, stream);
                                 ++calls;
                                 rows.precision == Precision::f32 ? shifted_on_gpu<float>(rows)
                                                                  : shifted_on_gpu<double>(rows);
                               },
                           .id = "shifted"};
  // Once as the drift, once as the noise.
  const auto plan_of = [](const CustomField& field, bool is_drift) {
    Dynamics dynamics{.steps = 5, .start = GaussianStart{}};
    if (is_drift) {
      dynamics.custom_drift = field;
      dynamics.noise = std::vector<std::string>{"t", "1/2", "1"};
      dynamics.scheme = Scheme::sra1;
    } else {
      dynamics.drift = {"-x1", "x3 - x2", "sin(x1)"};
      dynamics.custom_noise = field;
    }
    return dynamics_plan(dynamics);
  };
  for (const bool is_drift : {true, false}) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options{.count = 75, .precision = precision, .history = 3};
      const Samples expected = run(plan_of(test::shifted(), is_drift), options);
      calls = 0;
      const Samples found = run(plan_of(on_gpu, is_drift), options, 0, *device);
      EXPECT_TRUE(test::bytes(found) == test::bytes(expected));
      EXPECT_EQ(calls, is_drift ? 10 : 5);
    }
  }
}

/// N(0, I) in memory of its own; single log-densities with single rows, or double ones.
template <class Real>
void own_normal_target(const DeviceTargetRows& rows, bool in_double) {
  std::vector<Real> g(static_cast<std::size_t>(rows.count * rows.dim));
  std::vector<double> l(static_cast<std::size_t>(rows.count));
  DeviceTargetRows other = rows;
  other.log_density = l.data();
  other.gradient = g.data();
  rows.wait();
  normal_target<Real>(other);
  const std::vector<float> single(l.begin(), l.end());
  const std::int64_t half = rows.count / 2;
  for (const auto& [first, count] : {std::pair(half, rows.count - half), std::pair(std::int64_t{0}, half)}) {
    const Real* const gradients = g.data() + first * rows.dim;
    if (in_double) {
      rows.write(l.data() + first, Precision::f64, gradients, first, count);
    } else {
      rows.write(single.data() + first, Precision::f32, gradients, first, count);
    }
  }
}

TEST(TargetOfAProgram, MayComputeInMemoryOfItsOwn) {
  std::string refused;
  const auto target = [&](bool in_double) {
    return CustomTarget{.dim = 3,
                        .device =
                            [&, in_double](const DeviceTargetRows& rows) {
                              EXPECT_EQ(rows.index, 5);
                              rows.precision == Precision::f32 ? own_normal_target<float>(rows, in_double)
                                                               : own_normal_target<double>(rows, in_double);
                              refused = message_of([&] {
                                rows.write(rows.log_density, Precision::f64, rows.gradient, 1, rows.count);
                              });
                            },
                        .id = "normal"};
  };
  const CustomTarget in_place{.dim = 3,
                              .device =
                                  [](const DeviceTargetRows& rows) {
                                    rows.precision == Precision::f32 ? normal_target<float>(rows)
                                                                     : normal_target<double>(rows);
                                  },
                              .id = "normal"};
  const auto device = executor_of(cases[0]);
  const Mala mala{.step = 0.7, .run = {.steps = 6}};
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const Options options{.count = 75, .precision = precision};
    const Samples expected = run(mcmc_plan(in_place, mala), options, 0, *device);
    const Samples in_double = run(mcmc_plan(target(true), mala), options, 0, *device);
    EXPECT_TRUE(test::bytes(in_double) == test::bytes(expected));
    EXPECT_EQ(in_double.acceptance()->probability, expected.acceptance()->probability);
    // A single log-density is rounded by 6e-8 of a value below 20.
    const Samples single = run(mcmc_plan(target(false), mala), options, 0, *device);
    for (std::size_t n = 0; n < 75; ++n)
      EXPECT_NEAR(single.acceptance()->probability[n], expected.acceptance()->probability[n], 1e-5);
  }
  EXPECT_EQ(refused, "DeviceTargetRows::write: rows 1 ... 76 of 75");
}

TEST(MapOfAProgram, IsCalledOnTheHost) {
  const CustomMap square{.dim = 3,
                         .outputs = 1,
                         .value =
                             [](Eigen::Index n, const double* x, double* phi) {
                               for (Eigen::Index i = 0; i < n; ++i)
                                 phi[i] = x[3 * i] * x[3 * i] + x[3 * i + 2];
                             },
                         .transposed_product =
                             [](Eigen::Index n, const double* x, const double* w, double* product) {
                               for (Eigen::Index i = 0; i < n; ++i) {
                                 product[3 * i] = 2.0 * x[3 * i] * w[i];
                                 product[3 * i + 1] = 0.0;
                                 product[3 * i + 2] = w[i];
                               }
                             },
                         .id = "square"};
  const NonlinearObservation observation(square, Eigen::VectorXd{{1.0}}, 0.5);
  const auto device = cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::shuffled, wide), "cuda");
  const Hmc hmc{.step = 0.2, .leapfrogs = 2, .run = {.steps = 6, .thin = 2, .output = ChainOutput::trace}};
  const SparsePrior smooth{.smoothing = Smoothing::quadratic};
  for (const Target& target :
       {Target(ObservedMixture{test::mixture_of(CovarianceType::full, 3, 4), observation}),
        Target(Regularised{smooth, observation})}) {
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      const Options options{.count = 75, .precision = precision};
      const Plan plan = mcmc_plan(target, hmc);
      EXPECT_TRUE(test::bytes(run(plan, options, 0, *device)) == test::bytes(run(plan, options)));
    }
  }
}

TEST(DenoiserOfAProgram, SeesTheGpuAndTheStreamOfTheRun) {
  auto gpu = std::make_unique<HostGpu>(ThreadOrder::ascending, wide);
  void* const stream = gpu->stream();
  const auto current = gpu->current();
  const long owners = current.use_count();
  std::vector<void*> seen;
  const DeviceDenoiser denoiser{.id = "watch", .function = [&](const DeviceRows& rows) {
                                  seen.push_back(rows.stream);
                                  EXPECT_EQ(current.use_count(), owners + 1);
                                  shrink<double>(rows);
                                }};
  const Plan plan = plan_by_hand(denoiser, 3);
  run(plan, {.count = 10, .precision = Precision::f64}, 0, *cuda::make_executor(std::move(gpu), "cuda"));
  EXPECT_EQ(seen, std::vector<void*>(5, stream));
}

}  // namespace
}  // namespace gmdiff
