// Particle-steps per second of MCGdiff on the benchmark problem of mathematics.md §7.8. Names are
// mcgdiff/kernel/precision with axes d_x, d_y, chains, particles and steps; one chain of many particles is
// measured in addition to many chains. GMDIFF_SIMD chooses the instruction set.
//   gmdiff_mcgdiff_bench --benchmark_out=FILE --benchmark_out_format=json

#include "bench.hpp"
#include "ceiling.hpp"

namespace {

using gmdiff::Mcgdiff;
using gmdiff::Precision;
using gmdiff::Problem;
using gmdiff::SmcKernel;
using gmdiff::SmcPlan;

struct Case {
  int dx = 8, dy = 2, steps = 100;
  std::int64_t chains = 1000;
  int particles = 128;
  SmcKernel kernel = SmcKernel::ddim;
  Precision precision = Precision::f32;

  std::string name() const {
    return std::string("mcgdiff/") + (kernel == SmcKernel::ddim ? "ddim" : "exact") +
           (precision == Precision::f32 ? "/f32" : "/f64") + "/dx:" + std::to_string(dx) +
           "/dy:" + std::to_string(dy) + "/chains:" + std::to_string(chains) +
           "/particles:" + std::to_string(particles) + "/steps:" + std::to_string(steps);
  }
};

SmcPlan plan_of(const Case& one) {
  const Problem problem =
      gmdiff::mcgdiff_problem({.dx = one.dx, .dy = one.dy, .seed = 1, .points = one.steps + 1});
  const gmdiff::ForwardProcess process(problem.process);
  const gmdiff::TimeGrid grid(process, problem.grid, &*problem.observation);
  return gmdiff::smc_plan(problem.prior, *problem.observation, process, grid,
                          Mcgdiff{.particles = one.particles, .kernel = one.kernel});
}

void run_case(benchmark::State& state, const Case& one, const gmdiff::Device& device) {
  const SmcPlan plan = plan_of(one);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        gmdiff::run(plan, {.count = one.chains, .seed = 1, .device = device, .precision = one.precision}));
  }
  const double steps =
      static_cast<double>(plan.steps.size()) * static_cast<double>(one.chains) * one.particles;
  state.counters["particle_steps_per_second"] =
      benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate);
}

std::vector<Case> cases() {
  return {{.dx = 8},
          {.dx = 80, .dy = 4},
          {.dx = 8, .precision = Precision::f64},
          {.dx = 8, .kernel = SmcKernel::exact},
          {.dx = 80, .dy = 4, .kernel = SmcKernel::exact},
          {.dx = 800, .dy = 4, .steps = 20, .chains = 100},
          {.dx = 8, .chains = 1, .particles = 1'000'000},
          {.dx = 8, .steps = 20, .chains = 10'000}};
}

void add_all() {
  benchmark::AddCustomContext("fma_per_second", std::to_string(gmdiff::bench::measured_fma_ceiling()));
  for (const gmdiff::DeviceInfo& info : gmdiff::devices()) {
    const gmdiff::Device device = gmdiff::Device::parse(info.name);
    // The reference is the yardstick of results, not of times.
    if (!info.available || device == gmdiff::Device::reference()) continue;
    benchmark::AddCustomContext(info.name, info.description);
    for (const Case& one : cases()) {
      benchmark::RegisterBenchmark((device.name() + "/" + one.name()).c_str(), run_case, one, device)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
