#include "lowering/smc_table_builder.hpp"

#include <gtest/gtest.h>
#include <gmdiff/device/smc.hpp>

#include "device/executor.hpp"
#include "device/smc_cases.hpp"

// The tables of an SMC plan are built once per run and have the size that the memory estimates assume.

namespace gmdiff {
namespace {

/// The cpu with one chain per task; counts the plans that it lowers.
class Counting final : public Executor {
 public:
  std::string name() const override { return cpu_->name(); }
  std::int64_t batch_size(const Plan& plan, Precision precision, std::size_t num_kept,
                          std::size_t memory_limit) const override {
    return cpu_->batch_size(plan, precision, num_kept, memory_limit);
  }
  NonFinite run(const Task& task) const override { return cpu_->run(task); }
  particle::AnySmcTables lower(const SmcPlan& plan, Precision precision) const override {
    ++lowered;
    return cpu_->lower(plan, precision);
  }
  std::int64_t chains_at_once(const SmcPlan&, const Options&) const override { return 1; }
  ChainFailure run(const SmcTask& task) const override {
    ++tasks;
    return cpu_->run(task);
  }
  std::unique_ptr<DistanceSums> sums() const override { return cpu_->sums(); }
  void evaluate(const PointTask& task) const override { cpu_->evaluate(task); }

  mutable int lowered = 0;
  mutable int tasks = 0;

 private:
  std::unique_ptr<Executor> cpu_ = make_executor(Device::cpu(1));
};

SmcPlan plan_of(const SmcSampler& sampler, CovarianceType type, const test::Shape& shape) {
  return test::smc_plan_of(sampler, test::mixture_of(type, shape.dim, shape.components),
                           test::observation_for(type, shape.dim));
}

TEST(SmcTables, AreMadeOnceForEveryPlanOfARun) {
  const SmcSampler sampler = Mcgdiff{.particles = 37, .kernel = SmcKernel::exact};
  const std::vector<SmcPlan> plans(2, plan_of(sampler, CovarianceType::full, {3, 2}));
  for (const Precision precision : {Precision::f32, Precision::f64}) {
    const Options options{.count = 5, .device = Device::cpu(1), .precision = precision};
    const Counting counting;
    EXPECT_EQ(test::all_bytes(run(plans, options, counting)), test::all_bytes(run(plans, options)));
    EXPECT_EQ(counting.lowered, 2);
    EXPECT_EQ(counting.tasks, 10);
  }
}

template <class Real>
void expect_estimate(const SmcPlan& plan) {
  const particle::SmcTables<Real> tables(plan);
  std::size_t bytes = tables.steps().size() * sizeof(particle::SmcStepTable<Real>);
  for (const std::vector<Real>& piece : tables.arena().pieces()) bytes += piece.size() * sizeof(Real);
  bytes += particle::LawTables<Real>::bytes(plan.mixture, particle::wide_family_of(plan.mixture));
  if (plan.start.mixture)
    bytes +=
        particle::LawTables<Real>::bytes(*plan.start.mixture, particle::wide_family_of(*plan.start.mixture));
  const std::size_t estimate = particle::SmcTables<Real>::bytes(plan);
  EXPECT_GE(estimate, bytes);
  EXPECT_LE(static_cast<double>(estimate), 1.3 * static_cast<double>(bytes));
}

TEST(SmcTables, TakeTheMemoryOfTheEstimate) {
  for (const CovarianceType type :
       {CovarianceType::spherical, CovarianceType::diag, CovarianceType::tied, CovarianceType::full}) {
    for (const SmcSampler& sampler : test::every_smc_sampler(37)) {
      const SmcPlan plan = plan_of(sampler, type, {9, 17});
      expect_estimate<float>(plan);
      expect_estimate<double>(plan);
    }
  }
}

}  // namespace
}  // namespace gmdiff
