#include <gtest/gtest.h>

#include "device/cases.hpp"
#include "device/cuda/executor.hpp"
#include "device/devices_under_test.hpp"
#include "plan/program.hpp"
#include "support/host_gpu.hpp"

// Fast mode, run on the host block with the functions of the C library: close to exact mode where it has a
// kernel, equal to exact mode everywhere else.

namespace gmdiff {
namespace {

using test::HostGpu;
using test::ThreadOrder;

Samples run_on_gpu(const Plan& plan, Options options, MathMode math) {
  options.math = math;
  return run(
      plan, options, 0,
      *cuda::make_executor(std::make_unique<HostGpu>(ThreadOrder::shuffled, std::size_t{227} << 10), "cuda"));
}

class FastMode : public testing::TestWithParam<CovarianceType> {};

TEST_P(FastMode, IsNearExactModeInSmallLaws) {
  // A normal number differs by some 2^-20 of its radius, a weight by a few ulp; five steps and a law whose
  // variances are within a factor of ten multiply that by less than 100. The functions of a GPU are less
  // exact, but by less than a factor of ten.
  constexpr double tolerance = 1e-4;
  test::Turns turns(17);
  for (const test::Shape& shape : test::shapes()) {
    if (shape.dim > 4) continue;
    const std::vector<Plan> plans =
        test::every_kind_of_plan(test::mixture_of(GetParam(), shape.dim, shape.components));
    for (std::size_t p = 0; p < plans.size(); ++p) {
      if (!turns.next()) continue;
      SCOPED_TRACE(testing::Message() << "plan " << p << " d " << shape.dim << " K " << shape.components);
      const Options options = test::options_for(plans[p], Precision::f32);

      const Samples exact = run_on_gpu(plans[p], options, MathMode::exact);
      const Samples fast = run_on_gpu(plans[p], options, MathMode::fast);

      const Points x = exact.to_double();
      EXPECT_LE((fast.to_double() - x).cwiseAbs().maxCoeff(), tolerance * x.cwiseAbs().maxCoeff());
      // Stages have exact arithmetic alone.
      EXPECT_EQ(test::bytes(fast) == test::bytes(exact), has_programs(plans[p])) << "not by other functions";
      EXPECT_EQ(fast.provenance().math, MathMode::fast);
    }
  }
}

TEST_P(FastMode, HasTheBitsOfExactModeInWideLawsAndInDouble) {
  for (const auto& [shape, precision] :
       {std::pair(test::Shape{9, 16}, Precision::f32), std::pair(test::Shape{2, 3}, Precision::f64),
        std::pair(test::Shape{9, 16}, Precision::f64)}) {
    const Plan plan =
        test::plan_of(EulerMaruyama{}, {test::mixture_of(GetParam(), shape.dim, shape.components)});
    const Options options = test::options_for(plan, precision);

    EXPECT_TRUE(test::bytes(run_on_gpu(plan, options, MathMode::fast)) ==
                test::bytes(run_on_gpu(plan, options, MathMode::exact)))
        << "d " << shape.dim << (precision == Precision::f32 ? " f32" : " f64");
  }
}

TEST_P(FastMode, HasTheBitsOfExactModeOnTheProcessor) {
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(GetParam(), 2, 3)});
  for (const Device& device : {Device::cpu(1), Device::reference()}) {
    Options options = test::options_for(plan, Precision::f32);
    options.device = device;
    const std::vector<char> exact = test::bytes(run(plan, options));

    options.math = MathMode::fast;

    EXPECT_TRUE(test::bytes(run(plan, options)) == exact) << device.name();
  }
}

INSTANTIATE_TEST_SUITE_P(Structures, FastMode, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

std::string non_finite_message(const Plan& plan, MathMode math) {
  try {
    run_on_gpu(plan, {.count = 75}, math);
  } catch (const NonFiniteError& error) {
    return error.what();
  }
  return "";
}

TEST(FastModeErrors, NoStepMakesAStateFiniteAgain) {
  // States overflow in the second step, and the third keeps only the denoiser, whose weights must not hide
  // the overflow.
  for (const CovarianceType structure : test::every_structure()) {
    const Mixture mixture = test::mixture_of(structure, 2, 3);
    Plan plan = draw_plan(std::span(&mixture, 1));
    AffineStep calm, wild, denoise;
    wild.a = 1e38;
    denoise.evaluations = 1;
    denoise.level1 = {.alpha = 0.75, .sigma = 0.5};
    denoise.a = 0.0;
    denoise.b_1 = 1.0;
    plan.kind = PlanKind::sample;
    plan.steps = {calm, wild, wild, denoise, calm};
    plan.times = {1.0, 0.8, 0.6, 0.4, 0.2, 0.0};

    const std::string message = non_finite_message(plan, MathMode::fast);

    EXPECT_NE(message, "");
    EXPECT_EQ(message, non_finite_message(plan, MathMode::exact));
  }
}

}  // namespace
}  // namespace gmdiff
