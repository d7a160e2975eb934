#include <sstream>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/user_denoiser.hpp"
#include "plan/program.hpp"
#include "support/expect_invalid.hpp"

// Plans of guided samplers and of steps as programs (mathematics.md §5.3, §10).

namespace gmdiff {
namespace {

const ForwardProcess process = vp(LinearBeta{});

Plan plan_of(const GuidedSampler& sampler, const Mixture& prior, const LinearObservation& observation) {
  return guided_plan(prior, std::span(&observation, 1), process, TimeGrid::uniform(process, 3), sampler);
}

Points denoised(const GuidedSampler& sampler, const Mixture& prior, const LinearObservation& observation,
                Level level, const Points& x) {
  const Plan plan = guided_denoiser_plan(prior, observation, level, sampler);
  return run(plan, {.count = x.rows(), .device = Device::cpu(1), .precision = Precision::f64, .start = x})
      .to_double();
}

double relative_difference(const Points& a, const Points& b) {
  return (a - b).cwiseAbs().maxCoeff() / b.cwiseAbs().maxCoeff();
}

const std::vector<Level>& levels() {
  static const std::vector<Level> list{{0.999, 0.04}, {0.8, 0.6}, {0.1, 0.995}, {1.0, 5.0}};
  return list;
}

TEST(GuidedDenoiser, TmpIsExactForOneGaussian) {
  for (const CovarianceType structure : test::every_structure()) {
    const Mixture gaussian = test::mixture_of(structure, 6, 1);
    const LinearObservation observation(test::normals(3, 6, 4), test::normals(3, 1, 5), 0.3);
    for (const Level& level : levels()) {
      const Points x = 2.0 * test::normals(20, 6, 6);
      EXPECT_LT(relative_difference(denoised(Tmp{}, gaussian, observation, level, x),
                                    denoised(ExactGuidance{}, gaussian, observation, level, x)),
                1e-12)
          << to_string(structure) << " at alpha " << level.alpha;
    }
  }
}

TEST(GuidedDenoiser, PigdmIsExactForAnIsotropicGaussianOfItsVariance) {
  const Mixture gaussian({1.0}, test::normals(1, 6, 3), Covariance::spherical({2.5}));
  const LinearObservation observation(test::normals(3, 6, 4), test::normals(3, 1, 5), 0.3);
  for (const Level& level : levels()) {
    const Points x = 2.0 * test::normals(20, 6, 6);
    const Points exact = denoised(ExactGuidance{}, gaussian, observation, level, x);
    EXPECT_LT(relative_difference(denoised(Pigdm{.tau2 = 2.5}, gaussian, observation, level, x), exact),
              1e-12);
    EXPECT_GT(relative_difference(denoised(Pigdm{.tau2 = 1.0}, gaussian, observation, level, x), exact), 1e-5)
        << "another variance must show";
  }
}

/// With R = L L^T the observation is that of L^-1 A, L^-1 y and unit noise.
TEST(GuidedDenoiser, AGeneralNoiseIsWhitened) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 5, 3);
  const Eigen::MatrixXd A = test::normals(2, 5, 4);
  const Eigen::VectorXd y = test::normals(2, 1, 5);
  const Eigen::MatrixXd L{{0.5, 0.0}, {0.2, 0.7}};
  const Eigen::MatrixXd inverse{{2.0, 0.0}, {-0.2 / 0.35, 1.0 / 0.7}};
  const Points x = test::normals(10, 5, 6);
  for (const GuidedSampler& sampler : {GuidedSampler(Tmp{}), GuidedSampler(Pigdm{}),
                                       GuidedSampler(DpsLikelihood{}), GuidedSampler(ExactGuidance{})}) {
    const Points general =
        denoised(sampler, prior, LinearObservation(A, y, Eigen::MatrixXd(L * L.transpose())), {0.8, 0.6}, x);
    const Points white =
        denoised(sampler, prior, LinearObservation(inverse * A, inverse * y, 1.0), {0.8, 0.6}, x);
    EXPECT_LT(relative_difference(general, white), 1e-12);
  }
}

/// The methods that take a map. The general noise of a linear observation is whitened for `dps` too.
std::vector<GuidedSampler> methods_with_map(bool has_noise_std) {
  const Sampler flow = Ddim{};  // without noise, whose coordinates may differ
  std::vector<GuidedSampler> methods{Tmp{.integrator = flow},
                                     Tmp{.scale = Tmp::Scale::row_sum, .integrator = flow},
                                     Tmp{.scale = Tmp::Scale::diffuse, .integrator = flow},
                                     Pigdm{.tau2 = 2.0, .integrator = flow},
                                     PigdmAlgorithm1{.tau2 = 0.5, .integrator = flow},
                                     DpsLikelihood{.integrator = flow}};
  if (has_noise_std) methods.emplace_back(Dps{.zeta = 0.5, .epsilon = 0.25, .integrator = flow});
  return methods;
}

TEST(GuidedPlanWithMap, OfALinearMapIsTheLinearOne) {
  const Options options{
      .count = 20, .device = Device::cpu(1), .precision = Precision::f64, .start = test::normals(20, 4, 6)};
  const auto result = [&](const Plan& plan) { return run(plan, options).to_double(); };
  for (const CovarianceType structure : test::every_structure()) {
    const Mixture prior = test::mixture_of(structure, 4, 3);
    for (const Eigen::Index rows : {2, 6}) {  // fewer and more than d
      const Eigen::MatrixXd A = test::normals(rows, 4, 7);
      const Eigen::VectorXd y = test::normals(rows, 1, 8), b = test::normals(rows, 1, 9);
      const ElementwiseMap map{.A = A, .b = b};
      const Eigen::MatrixXd half = 0.3 * Eigen::MatrixXd(test::normals(rows, rows, 10));
      const Eigen::MatrixXd R = half * half.transpose() + 2.0 * Eigen::MatrixXd::Identity(rows, rows);
      const auto expect_equal = [&](const LinearObservation& linear, const NonlinearObservation& nonlinear) {
        for (const GuidedSampler& method : methods_with_map(nonlinear.has_noise_std())) {
          const Plan plan = guided_plan(prior, nonlinear, process, TimeGrid::uniform(process, 3), method);
          EXPECT_LT(relative_difference(result(plan), result(plan_of(method, prior, linear))), 1e-12)
              << plan << to_string(structure) << ", " << rows << " rows";
        }
      };
      expect_equal({A, y - b, 1.5}, {map, y, 1.5});
      expect_equal({A, y - b, R}, {map, y, R});
    }
  }
}

/// The length of r that `dps` divides by is in the units of y.
TEST(GuidedPlanWithMap, OfDpsDoesNotDependOnTheNoise) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 3, 2);
  const ElementwiseMap map{.function = MapFunction::tanh, .A = test::normals(2, 3, 7)};
  const Eigen::VectorXd y{{0.5, -0.25}};
  const Eigen::MatrixXd R{{2.0, 0.5}, {0.5, 1.0}};
  const auto result = [&](const GuidedSampler& method, const NonlinearObservation& observation) {
    const Options options{.count = 10, .device = Device::cpu(1)};
    return sample(prior, observation, process, TimeGrid::uniform(process, 3), method, options).to_double();
  };
  EXPECT_EQ(result(Dps{}, {map, y, 1.0}), result(Dps{}, {map, y, R}));
  EXPECT_NE(result(Tmp{}, {map, y, 1.0}), result(Tmp{}, {map, y, R}));
}

TEST(GuidedPlanWithMap, HashCoversTheObservation) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 2, 3);
  const auto hash = [&](MapFunction function, double y, double noise_std) {
    const ElementwiseMap map{.function = function, .A = Eigen::MatrixXd{{1.0, 0.5}}};
    return guided_plan(prior, {map, Eigen::VectorXd{{y}}, noise_std}, process, TimeGrid::uniform(process, 3),
                       Tmp{})
        .hash();
  };
  EXPECT_EQ(hash(MapFunction::sin, 0.5, 1.0), hash(MapFunction::sin, 0.5, 1.0));
  EXPECT_NE(hash(MapFunction::sin, 0.5, 1.0), hash(MapFunction::tanh, 0.5, 1.0));
  EXPECT_NE(hash(MapFunction::sin, 0.5, 1.0), hash(MapFunction::sin, 0.25, 1.0));
  EXPECT_NE(hash(MapFunction::sin, 0.5, 1.0), hash(MapFunction::sin, 0.5, 2.0));
}

TEST(GuidedPlanWithMap, NamesBadParameters) {
  const Mixture prior({1.0}, Points{{0, 0}}, Covariance::spherical({1.0}));
  const Eigen::VectorXd y{{0.5}};
  const NonlinearObservation observation(RangeMap{.anchors = Points{{1.0, 0.0}}}, y, 0.5);
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const auto expect = [&](const GuidedSampler& sampler, const char* message) {
    test::expect_invalid([&] { guided_plan(prior, observation, process, grid, sampler); }, message);
    test::expect_invalid([&] { guided_denoiser_plan(prior, observation, {0.8, 0.6}, sampler); }, message);
  };
  const std::string others =
      " takes no observation with a map; expected tmp, pigdm, pigdm-alg1, dps, dps-likelihood, bootstrap, "
      "a Markov chain or a learned sampler";
  expect(DpsGsg{}, ("dps-gsg" + others).c_str());
  expect(ExactGuidance{}, ("exact" + others).c_str());
  expect(Pigdm{.tau2 = 0.0}, "pigdm: tau2 must be finite and > 0, got 0");
  expect(Dps{.zeta = -1.0}, "dps: zeta must be finite and >= 0, got -1");
  test::expect_invalid(
      [&] {
        guided_denoiser_plan(prior, observation, {0.8, 0.6}, Dps{});
      },
      "dps: adds a term to the step, so it has no denoiser of its own");
  test::expect_invalid(
      [&] {
        guided_plan(prior, {RangeMap{.anchors = Points{{1.0}}}, y, 0.5}, process, grid, Tmp{});
      },
      "guidance: the map takes points of dimension 1 but the prior has dimension 2");
}

TEST(GuidedDenoiser, IsThePriorsAtTheData) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 2, 3);
  const LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  const Points x = test::normals(5, 2, 6);
  EXPECT_EQ(denoised(Tmp{}, prior, observation, {.alpha = 0.5, .sigma = 0.0}, x), 2.0 * x);
}

/// D = x and J = I.
HostDenoiser identity() {
  return {.id = "identity",
          .function = [](const Points& x, Level /*level*/, Points& D) { D = x; },
          .transposed_jvp = [](const Points& /*x*/, const Points& v, Level /*level*/,
                               Points& product) { product = v; }};
}

TEST(GuidedPlanOfADenoiser, NamesWhatItCannotUse) {
  const LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  const NonlinearObservation with_map(RangeMap{.anchors = Points{{1.0, 0.0}}}, Eigen::VectorXd{{0.5}}, 0.5);
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const auto expect = [&](const Denoiser& denoiser, const GuidedSampler& sampler, const char* message) {
    test::expect_invalid([&] { guided_plan(denoiser, observation, process, grid, sampler); }, message);
  };
  const std::string others =
      ": needs the mixture of the prior; with a denoiser in its place expected tmp, dps, dps-gsg, "
      "dps-likelihood, pigdm or pigdm-alg1";
  expect(identity(), ExactGuidance{}, ("exact" + others).c_str());
  test::expect_invalid([&] { guided_plan(identity(), with_map, process, grid, DpsGsg{}); },
                       "dps-gsg takes no observation with a map");
  HostDenoiser plain = identity();
  plain.transposed_jvp = nullptr;
  expect(plain, Dps{},
         "dps: needs the product J^T v, J = dD/dx, and the denoiser \"identity\" has none; give it "
         "transposed_jvp (vjp in Python)");
  EXPECT_EQ(guided_plan(plain, observation, process, grid, DpsGsg{.pullback = DpsGsg::Pullback::alpha})
                .denoisers.size(),
            1U)
      << "it needs D alone";
  const DeviceDenoiser on_gpu{.id = "on a GPU", .function = [](const DeviceRows& /*rows*/) {}};
  expect(
      on_gpu, Pigdm{},
      "pigdm: needs the product J^T v, J = dD/dx, which the denoiser \"on a GPU\" on a GPU cannot have; give "
      "a denoiser on the host");
  expect(identity(), Pigdm{.start = Start::exact}, "the exact start draws from a mixture");
  expect(identity(), Pigdm{.integrator = ExactTransition{}}, "draws from a mixture, and a denoiser has none");
  expect(identity(), Pigdm{.tau2 = 0.0}, "pigdm: tau2 must be finite and > 0, got 0");
  HostDenoiser wrong = identity();
  wrong.transposed_jvp = [](const Points& x, const Points& /*v*/, Level /*level*/, Points& product) {
    product = Points::Zero(x.rows(), 3);
  };
  test::expect_invalid(
      [&] { sample(wrong, observation, process, grid, Pigdm{}, {.count = 4, .device = Device::cpu(1)}); },
      "denoiser \"identity\": the product J^T v has shape (4, 3), expected (4, 2)");
}

/// Plans that are written by hand are not checked by `guided_plan`.
TEST(GuidedPlanOfADenoiser, StagesNameAMissingProduct) {
  const Points x = Points::Zero(2, 3);
  const auto product = [&](const Denoiser& denoiser) { transposed_jvp_rows(denoiser, x, x, {0.6, 0.8}); };
  HostDenoiser plain = identity();
  plain.transposed_jvp = nullptr;
  test::expect_invalid([&] { product(plain); },
                       "denoiser \"identity\": has no product J^T v with the derivative of D");
  test::expect_invalid(
      [&] { product(DeviceDenoiser{.id = "on a GPU", .function = [](const DeviceRows& /*rows*/) {}}); },
      "denoiser \"on a GPU\": works in the memory of a GPU and has no product J^T v");
}

TEST(GuidedPlanOfADenoiser, NeedsAlphaWhereItDividesByIt) {
  const ForwardProcess flow(RectifiedFlow{});
  const TimeGrid grid = TimeGrid::uniform(flow, 3);
  const LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  test::expect_invalid([&] { guided_plan(identity(), observation, flow, grid, Pigdm{.integrator = Ddim{}}); },
                       "pigdm: the denoiser is evaluated at alpha = 0, where C = (sigma^2 / alpha) J has no "
                       "value; the grid must begin at alpha > 0");
  EXPECT_TRUE(sample(identity(), observation, flow, grid, Dps{.integrator = Ddim{}},
                     {.count = 4, .device = Device::cpu(1)})
                  .to_double()
                  .allFinite());
}

TEST(GuidedPlanOfADenoiser, CallsTheProductOncePerGuidance) {
  const LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  int products = 0, evaluations = 0;
  HostDenoiser counting = identity();
  counting.function = [&](const Points& x, Level /*level*/, Points& D) {
    ++evaluations;
    D = x;
  };
  counting.transposed_jvp = [&](const Points& /*x*/, const Points& v, Level /*level*/, Points& product) {
    ++products;
    product = v;
  };
  const Plan plan =
      guided_plan(counting, observation, process, TimeGrid::uniform(process, 3), Dps{.integrator = Heun{}});
  run(plan, {.count = 4, .device = Device::cpu(1)});
  EXPECT_EQ(products, 3) << "an extra term belongs to the step";
  EXPECT_GT(evaluations, products);
  std::ostringstream text;
  text << plan;
  EXPECT_NE(text.str().find("<- J^T of denoiser 1(v0)"), std::string::npos) << text.str();
}

TEST(GuidedPlan, HasOneGuidanceForEachEvaluation) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 2, 3);
  const LinearObservation observation(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  const auto guides = [&](const GuidedSampler& sampler) {
    const Plan plan = plan_of(sampler, prior, observation);
    const auto& stages = std::get<Program>(plan.steps.front()).stages;
    return std::count_if(stages.begin(), stages.end(),
                         [](const Stage& stage) { return std::holds_alternative<Guide>(stage); });
  };
  EXPECT_EQ(guides(Tmp{}), 1);
  EXPECT_EQ(guides(Tmp{.integrator = Dpmpp2s{}}), 2);
  EXPECT_EQ(guides(Dps{.integrator = Dpmpp2s{}}), 1) << "an extra term belongs to the step";
}

TEST(GuidedPlan, HashCoversObservationAndMethod) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 2, 3);
  const auto hash = [&](const GuidedSampler& sampler, double y) {
    return plan_of(sampler, prior, {Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{y}}, 0.1}).hash();
  };
  EXPECT_EQ(hash(Tmp{}, 0.3), hash(Tmp{}, 0.3));
  EXPECT_NE(hash(Tmp{}, 0.3), hash(Tmp{}, 0.4));
  EXPECT_NE(hash(Tmp{}, 0.3), hash(Pigdm{}, 0.3));
  EXPECT_NE(hash(Pigdm{.tau2 = 1.0}, 0.3), hash(Pigdm{.tau2 = 2.0}, 0.3));
  EXPECT_NE(hash(Dps{.zeta = 0.1}, 0.3), hash(Dps{.zeta = 0.2}, 0.3));
}

TEST(GuidedPlan, PrintsItsStages) {
  const Mixture prior = test::mixture_of(CovarianceType::diag, 2, 3);
  std::ostringstream out;
  out << plan_of(Pigdm{.tau2 = 4.0}, prior, {Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1});
  for (const char* part : {"v1 <- D(v0) at (", "guidance by D = v1 of v0 at (", ", isotropic, variance ",
                           "v1 <- 1 v1 + 1 v2", " step noise"}) {
    EXPECT_NE(out.str().find(part), std::string::npos) << part << " in\n" << out.str();
  }
}

TEST(GuidedPlan, ManyObservationsOfOnePriorAreOneRun) {
  const Mixture prior = test::mixture_of(CovarianceType::spherical, 6, 4);
  const std::vector<LinearObservation> observations{{test::normals(2, 6, 4), test::normals(2, 1, 5), 0.5},
                                                    {test::normals(2, 6, 7), test::normals(2, 1, 8), 0.5}};
  const TimeGrid grid = TimeGrid::uniform(process, 3);
  const Samples both =
      sample(prior, observations, process, grid, Tmp{}, {.count = 5, .device = Device::cpu(1)});
  ASSERT_EQ(both.shape(), (std::vector<std::int64_t>{2, 5, 6}));
  for (std::size_t p = 0; p < 2; ++p) {
    const Options alone{.count = 5, .seed = both.provenance().problem_seeds[p], .device = Device::cpu(1)};
    EXPECT_EQ(sample(prior, observations[p], process, grid, Tmp{}, alone).to_double(),
              both.to_double().middleRows(static_cast<Eigen::Index>(5 * p), 5));
  }
}

TEST(GuidedPlan, NamesBadParameters) {
  const Mixture prior({1.0}, Points{{0, 0}}, Covariance::spherical({1.0}));
  const LinearObservation noisy(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.1);
  const LinearObservation exact(Eigen::MatrixXd{{1, 0}}, Eigen::VectorXd{{0.3}}, 0.0);
  const auto expect = [&](const GuidedSampler& sampler, const LinearObservation& observation,
                          const char* message) {
    test::expect_invalid([&] { plan_of(sampler, prior, observation); }, message);
  };
  expect(Pigdm{.tau2 = 0.0}, noisy, "pigdm: tau2 must be finite and > 0, got 0");
  expect(PigdmAlgorithm1{.tau2 = -1.0}, noisy, "pigdm-alg1: tau2 must be finite and > 0, got -1");
  expect(Dps{.zeta = -1.0}, noisy, "dps: zeta must be finite and >= 0, got -1");
  expect(Dps{.epsilon = -1.0}, noisy, "dps: epsilon must be finite and >= 0, got -1");
  expect(DpsGsg{.zeta = -1.0}, noisy, "dps-gsg: zeta must be finite and >= 0, got -1");
  expect(DpsGsg{.directions = 0}, noisy, "dps-gsg: directions must be from 1 to 65536, got 0");
  expect(DpsLikelihood{}, exact,
         "dps-likelihood: divides by the variance of the noise, and the observation has none");
  expect(Tmp{}, {Eigen::MatrixXd{{1}}, Eigen::VectorXd{{0.3}}, 0.1},
         "A is 1x1 but the prior has dimension 2");
  expect(Tmp{}, {Eigen::MatrixXd{{0, 0}}, Eigen::VectorXd{{0.3}}, 0.1}, "A is 0, so nothing is observed");
  expect(Tmp{},
         {Eigen::MatrixXd{{1, 0}, {0, 1}}, Eigen::VectorXd{{0.3, 0.3}}, Eigen::MatrixXd{{1, 0}, {0, 0}}},
         "the noise covariance must be positive definite or 0");
  expect(Tmp{.integrator = ExactTransition{}}, noisy, "tmp: the integrator evaluates no denoiser");
  expect(ExactGuidance{.integrator = ExactAncestral{}}, noisy, "exact: the integrator evaluates no denoiser");
  expect(Dps{.integrator = Unipc3{}}, noisy,
         "dps: adds a term to the step, and the integrator unipc-3 does not evaluate the denoiser where its "
         "steps begin");
  expect(Tmp{.integrator = Ddim{.eta = 2.0}}, noisy, "ddim: eta must be in [0, 1], got 2");
  test::expect_invalid([&] { guided_plan(prior, {}, process, TimeGrid::uniform(process, 3), Tmp{}); },
                       "no observation given");
  for (const GuidedSampler& sampler :
       {GuidedSampler(Dps{}), GuidedSampler(DpsGsg{}), GuidedSampler(PigdmAlgorithm1{})}) {
    test::expect_invalid(
        [&] {
          guided_denoiser_plan(prior, noisy, {0.8, 0.6}, sampler);
        },
        "adds a term to the step, so it has no denoiser of its own");
  }
}

}  // namespace
}  // namespace gmdiff
