#include <gtest/gtest.h>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"
#include "device/instruction_sets.hpp"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

// The bits do not depend on the instruction set, the number of threads or the caller's floating-point
// environment (numerics.md §1). The tests compare the bits of whole runs with history.

namespace gmdiff {
namespace {

using cpu::InstructionSet;
using test::available_sets;
using test::WithInstructionSet;

class Equality : public testing::TestWithParam<CovarianceType> {};

TEST_P(Equality, OfInstructionSetsForEveryPlan) {
  const std::vector<InstructionSet> sets = available_sets();
  for (const test::Shape& shape : test::shapes()) {
    const std::vector<Plan> plans =
        test::every_kind_of_plan(test::mixture_of(GetParam(), shape.dim, shape.components));
    for (std::size_t p = 0; p < plans.size(); ++p) {
      for (const Precision precision : {Precision::f32, Precision::f64}) {
        std::vector<char> first;
        for (const InstructionSet set : sets) {
          const WithInstructionSet environment(set);
          const std::vector<char> result = test::bytes(run(plans[p], test::options_for(plans[p], precision)));
          if (first.empty()) first = result;
          EXPECT_TRUE(result == first) << cpu::to_string(set) << " plan " << p << " d " << shape.dim << " K "
                                       << shape.components << (precision == Precision::f32 ? " f32" : " f64");
        }
      }
    }
  }
}

TEST_P(Equality, OfGivenStarts) {
  for (const test::Shape& shape : test::shapes()) {
    const Plan plan =
        test::plan_of(EulerMaruyama{}, {test::mixture_of(GetParam(), shape.dim, shape.components)});
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      Options options = test::options_for(plan, precision);
      options.start = test::normals(options.count, shape.dim, 9);
      std::vector<char> first;
      for (const InstructionSet set : available_sets()) {
        const WithInstructionSet environment(set);
        const std::vector<char> result = test::bytes(run(plan, options));
        if (first.empty()) first = result;
        EXPECT_TRUE(result == first) << cpu::to_string(set) << " d " << shape.dim;
      }
    }
  }
}

TEST_P(Equality, OfGivenPoints) {
  for (const test::Shape& shape : test::shapes()) {
    const Mixture mixture = test::mixture_of(GetParam(), shape.dim, shape.components);
    const Points x = 3.0 * test::normals(75, shape.dim, 9);
    for (const Precision precision : {Precision::f32, Precision::f64}) {
      std::vector<Evaluation> results;
      for (const InstructionSet set : available_sets()) {
        const WithInstructionSet environment(set);
        const EvaluateOptions options{.log_responsibilities = true,
                                      .score = true,
                                      .denoiser = true,
                                      .device = Device::cpu(2),
                                      .precision = precision};
        results.push_back(evaluate(mixture, x, {.alpha = 0.75, .sigma = 0.5}, options));
        EXPECT_EQ(results.back().log_density, results.front().log_density)
            << cpu::to_string(set) << " d " << shape.dim;
        EXPECT_EQ(results.back().log_responsibilities, results.front().log_responsibilities)
            << cpu::to_string(set) << " d " << shape.dim;
        EXPECT_EQ(results.back().score, results.front().score) << cpu::to_string(set) << " d " << shape.dim;
        EXPECT_EQ(results.back().denoiser, results.front().denoiser)
            << cpu::to_string(set) << " d " << shape.dim;
      }
    }
  }
}

TEST_P(Equality, OfNumbersOfThreads) {
  const Plan plan = test::plan_of(EulerMaruyama{}, {test::mixture_of(GetParam(), 6, 7)});
  Options options = test::options_for(plan, Precision::f32);
  options.count = 5000;
  const std::vector<char> one = test::bytes(run(plan, options));
  for (const int threads : {2, 3, 16}) {
    options.device = Device::cpu(threads);
    EXPECT_TRUE(test::bytes(run(plan, options)) == one) << threads << " threads";
  }
}

#if defined(__x86_64__)
TEST_P(Equality, OfCallersThatFlushSubnormalNumbers) {
  // A law so narrow that subnormal numbers decide: variances of 1e-39 in float, 1e-309 in double.
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const double scale = precision == Precision::f32 ? 1e-39 : 1e-309;
    const Mixture mixture = test::mixture_of(GetParam(), 5, 3);
    Plan plan = draw_plan(std::span(&mixture, 1));
    AffineStep shrink;
    shrink.a = scale;
    plan.kind = PlanKind::sample;
    plan.steps = {shrink};
    plan.times = {1.0, 0.0};
    Options options{.count = 100, .device = Device::cpu(2), .precision = precision};
    const Samples expected = run(plan, options);

    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    const Samples samples = run(plan, options);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);

    EXPECT_GT(expected.to_double().cwiseAbs().maxCoeff(), 0.0);
    EXPECT_TRUE(test::bytes(samples) == test::bytes(expected));
    EXPECT_EQ(after & 0x8040U, 0x8040U) << "the caller's environment is given back";
  }
}
#endif

INSTANTIATE_TEST_SUITE_P(Structures, Equality, testing::ValuesIn(test::every_structure()),
                         test::structure_name);

}  // namespace
}  // namespace gmdiff
