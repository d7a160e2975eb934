// Denoiser evaluations of plans, against the calls that a run makes.

#include <gmdiff/plan/evaluations.hpp>

#include <span>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>
#include <gmdiff/io/problem_file.hpp>

namespace gmdiff {
namespace {

const int steps = 7;

TEST(DenoiserEvaluations, AreTheRowsThatARunEvaluates) {
  const ForwardProcess process = vp();
  const TimeGrid grid(process, UniformGrid{.steps = steps});
  for (const char* name : {"ancestral", "ddim", "euler-maruyama", "euler", "heun", "dpmpp-2s", "dpmpp-2m",
                           "sde-dpmpp-2m", "dpmpp-3m", "unipc-3"}) {
    Sampler sampler = std::get<Sampler>(parse_sampler(name));
    std::visit([](auto& description) { description.start = Start::gaussian; }, sampler);
    Eigen::Index rows = 0;
    const HostDenoiser shrinking{.id = "shrinking",
                                 .function = [&](const Points& x, Level, Points& denoised) {
                                   rows += x.rows();
                                   denoised = 0.5 * x;
                                 }};
    const Plan plan = sampling_plan(shrinking, 2, process, grid, sampler);

    run(plan, {.count = 10, .device = Device::cpu(1)});
    EXPECT_EQ(denoiser_evaluations(plan), static_cast<double>(rows) / 10.0) << name;
  }
}

TEST(DenoiserEvaluations, OfATransitionIsOneAndOfADrawNone) {
  const Problem problem = tutorial_2d();
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, UniformGrid{.steps = steps});
  const std::span<const Mixture> law(&problem.prior, 1);

  EXPECT_EQ(denoiser_evaluations(sampling_plan(law, process, grid, ExactTransition{})), steps);
  EXPECT_EQ(denoiser_evaluations(draw_plan(law)), 0.0);
}

TEST(DenoiserEvaluations, OfAChainAreThoseOfItsParticles) {
  const Problem problem = tutorial_2d();
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, UniformGrid{.steps = steps});
  for (const char* text :
       {"mcgdiff:particles=16", "mcgdiff:particles=16:kernel=exact", "bootstrap:particles=16"}) {
    const SmcSampler sampler = std::get<SmcSampler>(parse_sampler(text));
    const SmcPlan plan = smc_plan(problem.prior, *problem.observation, process, grid, sampler);

    EXPECT_EQ(denoiser_evaluations(plan), 16.0 * static_cast<double>(plan.steps.size())) << text;
    EXPECT_GE(plan.steps.size() + 1, static_cast<std::size_t>(steps));
  }
}

TEST(DenoiserEvaluations, OfAGuidedPlanAreThoseOfItsIntegrator) {
  const Problem problem = tutorial_2d();
  const ForwardProcess process(problem.process);
  const TimeGrid grid(process, UniformGrid{.steps = steps});
  const std::span<const LinearObservation> observation(&*problem.observation, 1);
  for (const char* text : {"tmp:integrator=ddim", "dps:integrator=ddim", "pigdm:integrator=ddim"}) {
    const GuidedSampler sampler = std::get<GuidedSampler>(parse_sampler(text));
    EXPECT_EQ(denoiser_evaluations(guided_plan(problem.prior, observation, process, grid, sampler)), steps)
        << text;
  }
}

}  // namespace
}  // namespace gmdiff
