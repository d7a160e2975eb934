#include <gtest/gtest.h>
#include <Eigen/LU>

#include "device/cpu/cpu.hpp"
#include "device/devices_under_test.hpp"
#include "device/instruction_sets.hpp"
#include "device/program_cases.hpp"

// Programs on the device cpu: registers, tiles and batches give the same bits, guided and multistep runs
// agree with the device reference.

namespace gmdiff {
namespace {

Samples run_with(const Plan& plan, const Options& options, Extent extent) {
  return run(plan, options, 0, *cpu::make_executor(2), extent);
}

/// Largest difference over the largest number.
double relative_difference(const Samples& a, const Samples& b) {
  const Points expected = b.to_double();
  return (a.to_double() - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
}

class Programs : public testing::TestWithParam<CovarianceType> {};

TEST_P(Programs, ExtentsHaveTheSameBits) {
  for (const test::Shape& shape : test::shapes()) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const Plan& plan : test::every_kind_of_plan(mixture)) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        const Samples registers = run_with(plan, options, Extent::fastest);
        const Samples tile = run_with(plan, options, Extent::tile);
        const Samples batch = run_with(plan, options, Extent::batch);
        EXPECT_TRUE(test::bytes(tile) == test::bytes(batch)) << shape.dim << ' ' << shape.components;
        if (shape.dim > 4) {
          EXPECT_TRUE(test::bytes(tile) == test::bytes(registers))
              << plan << shape.dim << ' ' << shape.components;
        } else {
          // Laws of few coordinates have formulas of their own in registers.
          EXPECT_LT(relative_difference(tile, registers), precision == Precision::f32 ? 1e-2 : 1e-9);
        }
      }
    }
  }
}

TEST_P(Programs, GuidedRunsAgreeWithTheReference) {
  test::Turns turns(5);
  for (const test::Shape& shape :
       {test::Shape{1, 1}, test::Shape{2, 3}, test::Shape{5, 3}, test::Shape{9, 18}}) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const Eigen::Index rows : {1, 3}) {
      const LinearObservation observation = test::observation_of(shape.dim, rows);
      for (const GuidedSampler& sampler : test::every_guided_sampler()) {
        if (!turns.next()) continue;
        const Plan plan = test::guided_plan_of(sampler, mixture, observation);
        Options options = test::options_for(plan, Precision::f64);
        options.device = Device::reference();
        const Samples expected = run(plan, options);
        EXPECT_LT(relative_difference(run_with(plan, options, Extent::fastest), expected), 1e-8)
            << plan << shape.dim << ' ' << shape.components << ' ' << rows;
      }
    }
  }
}

TEST_P(Programs, GuidedRunsHaveTheSameBitsInBatchesAndOnEveryInstructionSet) {
  for (const test::Shape& shape : {test::Shape{2, 3}, test::Shape{9, 18}}) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    for (const GuidedSampler& sampler : test::every_guided_sampler()) {
      const Plan plan =
          as_programs(test::guided_plan_of(sampler, mixture, test::observation_of(shape.dim, 2)));
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        const Options options = test::options_for(plan, precision);
        const std::vector<char> expected = test::bytes(run_with(plan, options, Extent::fastest));
        EXPECT_TRUE(test::bytes(run_with(plan, options, Extent::batch)) == expected) << plan;
        for (const cpu::InstructionSet set : test::available_sets()) {
          const test::WithInstructionSet environment(set);
          EXPECT_TRUE(test::bytes(run_with(plan, options, Extent::tile)) == expected)
              << cpu::to_string(set) << plan;
        }
      }
    }
  }
}

TEST(ProgramsWithMaps, AgreeWithTheReferenceAndHaveTheSameBitsEverywhere) {
  test::Turns turns(7);
  for (const Plan& plan : test::every_guided_plan_with_map()) {
    if (!turns.next()) continue;
    Options on_reference = test::options_for(plan, Precision::f64);
    on_reference.device = Device::reference();
    EXPECT_LT(relative_difference(run_with(plan, test::options_for(plan, Precision::f64), Extent::tile),
                                  run(plan, on_reference)),
              1e-8)
        << plan;
    for (const Precision precision : {Precision::f64, Precision::f32}) {
      const Options options = test::options_for(plan, precision);
      const Samples found = run_with(plan, options, Extent::tile);
      EXPECT_TRUE(test::bytes(run_with(plan, options, Extent::batch)) == test::bytes(found)) << plan;
      for (const cpu::InstructionSet set : test::available_sets()) {
        const test::WithInstructionSet environment(set);
        EXPECT_TRUE(test::bytes(run_with(plan, options, Extent::tile)) == test::bytes(found))
            << cpu::to_string(set) << plan;
      }
    }
  }
}

TEST_P(Programs, ADenoiserByHandIsTheMixtures) {
  const Mixture mixture = test::mixture_of(GetParam(), 6, 5);
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 5);
  for (const Sampler& sampler :
       {Sampler(Ancestral{.start = Start::gaussian}), Sampler(Dpmpp2m{.start = Start::gaussian}),
        Sampler(Dpmpp2s{.start = Start::gaussian})}) {
    const Plan by_hand = sampling_plan(test::denoiser_of_mixture(mixture), 6, process, grid, sampler);
    const Plan built_in = sampling_plan(std::span(&mixture, 1), process, grid, sampler);
    // Without a basis of the law the noise is in the coordinates of the data.
    Options options = test::options_for(by_hand, Precision::f64);
    options.start = test::normals(options.count, 6, 11);
    const bool is_noisy = std::holds_alternative<Ancestral>(sampler);
    const bool has_basis = GetParam() == CovarianceType::tied || GetParam() == CovarianceType::common_basis;
    if (is_noisy && has_basis) continue;
    const Samples expected = run_with(built_in, options, Extent::fastest);
    EXPECT_LT(relative_difference(run_with(by_hand, options, Extent::fastest), expected), 1e-10);
    options.device = Device::reference();
    EXPECT_LT(relative_difference(run(by_hand, options), expected), 1e-10);
  }
}

TEST_P(Programs, GuidanceByADenoiserByHandIsTheMixtures) {
  const Mixture mixture = test::mixture_of(GetParam(), 6, 5);
  const ForwardProcess process = vp(LinearBeta{});
  const TimeGrid grid = TimeGrid::uniform(process, 5);
  const LinearObservation linear = test::observation_of(6, 2);
  const NonlinearObservation observed(
      ElementwiseMap{.function = MapFunction::tanh, .A = test::normals(2, 6, 7)},
      Eigen::VectorXd{{0.5, -0.25}}, 1.0);
  const bool has_basis = GetParam() == CovarianceType::tied || GetParam() == CovarianceType::common_basis;
  const auto expect_equal = [&](const Plan& by_hand, const Plan& built_in) {
    Options options = test::options_for(by_hand, Precision::f64);
    options.start = test::normals(options.count, 6, 11);
    const Samples expected = run_with(built_in, options, Extent::fastest);
    const Samples found = run_with(by_hand, options, Extent::fastest);
    EXPECT_LT(relative_difference(found, expected), 1e-10) << by_hand;
    EXPECT_TRUE(test::bytes(run_with(by_hand, options, Extent::batch)) == test::bytes(found)) << by_hand;
    options.device = Device::reference();
    EXPECT_LT(relative_difference(run(by_hand, options), expected), 1e-10) << by_hand;
  };
  const Denoiser denoiser = test::denoiser_of_mixture(mixture);
  for (const GuidedSampler& sampler : test::guided_samplers_of_denoisers()) {
    // Directions of a law with a basis are drawn in its coordinates.
    if (std::holds_alternative<DpsGsg>(sampler) && has_basis) continue;
    expect_equal(guided_plan(denoiser, linear, process, grid, sampler),
                 guided_plan(mixture, std::span(&linear, 1), process, grid, sampler));
    if (takes_map(sampler))
      expect_equal(guided_plan(denoiser, observed, process, grid, sampler),
                   guided_plan(mixture, observed, process, grid, sampler));
  }
}

TEST(GuidanceByADenoiser, DoesNotDependOnThreadsOrRanges) {
  const ForwardProcess process = vp(LinearBeta{});
  const Plan plan = guided_plan(test::denoiser_of_mixture(test::mixture_of(CovarianceType::diag, 3, 4)),
                                test::observation_of(3, 2), process, TimeGrid::uniform(process, 5),
                                Pigdm{.integrator = Ddim{.eta = 1.0}});
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    Options options{.count = 75, .seed = 3, .device = Device::cpu(1), .precision = precision};
    const Points whole = run(plan, options).to_double();
    options.device = Device::cpu(3);
    EXPECT_EQ(run(plan, options).to_double(), whole);
    options.count = 40;
    EXPECT_EQ(run(plan, options).to_double(), whole.topRows(40));
    options.first = 40;
    options.count = 35;
    EXPECT_EQ(run(plan, options).to_double(), whole.bottomRows(35));
  }
}

/// x_0 = D_g of one DDIM step from x to the data, by tmp with the denoiser D = M x.
Eigen::VectorXd tmp_of(const Eigen::MatrixXd& M, const LinearObservation& observation,
                       const Eigen::VectorXd& x, const ForwardProcess& process, const Device& device) {
  const HostDenoiser denoiser{
      .id = "matrix",
      .function = [M](const Points& rows, Level /*level*/, Points& D) { D = rows * M.transpose(); },
      .transposed_jvp = [M](const Points& /*x*/, const Points& v, Level /*level*/,
                            Points& product) { product = v * M; }};
  const Plan plan = guided_plan(denoiser, observation, process, TimeGrid::uniform(process, 1),
                                Tmp{.integrator = Ddim{.eta = 0.0}});
  Options options{.count = 1, .device = device, .precision = Precision::f64};
  options.start = Points(x.transpose());
  return run(plan, options).to_double().row(0).transpose();
}

/// D + (sigma^2 / alpha) J^T A^T Q^{-1} (y - A D) with a given matrix Q.
Eigen::VectorXd tmp_by_hand(const Eigen::MatrixXd& J, const LinearObservation& observation,
                            const Eigen::VectorXd& x, double q, const Eigen::MatrixXd& Q) {
  const Eigen::MatrixXd& A = observation.A();
  const Eigen::VectorXd u = Q.inverse() * (observation.y() - A * J * x);
  return J * x + q * J.transpose() * A.transpose() * u;
}

TEST(TmpByADenoiser, HasJTransposedOutsideAndItsSymmetricPartInside) {
  const ForwardProcess process = vp(LinearBeta{});
  const Level level = process.level(1.0);
  const double q = level.sigma * level.sigma / level.alpha;
  const Eigen::VectorXd x{{0.5, -1.0, 0.75}};
  const LinearObservation observation(Eigen::MatrixXd{{1.0, 0.5, -0.25}, {0.0, 1.0, 2.0}},
                                      Eigen::VectorXd{{0.75, -0.5}}, 0.5);
  const Eigen::MatrixXd& A = observation.A();
  // The eigenvalues of the symmetric part are positive.
  const Eigen::MatrixXd J{{0.5, 0.25, -0.125}, {-0.25, 0.75, 0.5}, {0.125, -0.25, 0.625}};
  const Eigen::MatrixXd noise = 0.25 * Eigen::MatrixXd::Identity(2, 2);
  const Eigen::MatrixXd inside = q * A * (0.5 * (J + J.transpose())) * A.transpose() + noise;
  const Eigen::VectorXd expected = tmp_by_hand(J, observation, x, q, inside);
  const Eigen::VectorXd without_symmetry =
      tmp_by_hand(J, observation, x, q, q * A * J * A.transpose() + noise);
  // With another matrix inside or outside the result is another one.
  EXPECT_GT((without_symmetry - expected).norm(), 1e-4);
  EXPECT_GT((J.transpose() - J).norm(), 0.1);
  for (const Device& device : {Device::reference(), Device::cpu()}) {
    EXPECT_LT((tmp_of(J, observation, x, process, device) - expected).norm(), 1e-9 * expected.norm());
  }
}

TEST(TmpByADenoiser, RaisesThePivotsOfAnIndefiniteMatrix) {
  const ForwardProcess process = vp(LinearBeta{});
  const Level level = process.level(1.0);
  const double q = level.sigma * level.sigma / level.alpha;
  const Eigen::VectorXd x{{0.5, -1.0}};
  const LinearObservation observation(Eigen::MatrixXd{{1.0, 0.0}}, Eigen::VectorXd{{0.75}}, 0.5);
  // q A J A^T = -q is below -sigma_y^2; Q is sigma_y^2 then.
  const Eigen::MatrixXd J{{-1.0, 0.5}, {0.0, 1.0}};
  const Eigen::VectorXd expected = tmp_by_hand(J, observation, x, q, Eigen::MatrixXd{{0.25}});
  for (const Device& device : {Device::reference(), Device::cpu()}) {
    EXPECT_LT((tmp_of(J, observation, x, process, device) - expected).norm(), 1e-9 * expected.norm());
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, Programs, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

}  // namespace
}  // namespace gmdiff
