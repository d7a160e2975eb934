// Particle-steps per second of whole runs. Names are problem/sampler/device/precision with axes d, K and
// particles; benchmarks that count slots also report the share of the machine's FMA ceiling, measured at the
// start of the same run. GMDIFF_SIMD chooses the instruction set.
//   gmdiff_sample_bench --benchmark_out=FILE --benchmark_out_format=json

#include "cases.hpp"
#include "ceiling.hpp"

namespace {

using gmdiff::CovarianceType;
using gmdiff::Points;
using gmdiff::bench::Case;
using gmdiff::bench::mixture;

double fma_ceiling = 0.0;  // of this run

void run_case(benchmark::State& state, const Case& one, const gmdiff::Device& device) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        gmdiff::run(one.plan, {.count = one.count, .seed = 1, .device = device, .precision = one.precision}));
  }
  const double steps =
      std::max<double>(1.0, static_cast<double>(one.plan.steps.size())) * static_cast<double>(one.count);
  using benchmark::Counter;
  state.counters["particle_steps_per_second"] = Counter(steps, Counter::kIsIterationInvariantRate);
  if (one.slots > 0.0)
    state.counters["share_of_fma_ceiling"] =
        Counter(steps * one.slots / fma_ceiling, Counter::kIsIterationInvariantRate);
}

std::vector<Case> cases() {
  std::vector<Case> list;
  const gmdiff::Problem problem = gmdiff::bench_2d();
  for (const auto precision : {gmdiff::Precision::f32, gmdiff::Precision::f64}) {
    const std::string suffix = precision == gmdiff::Precision::f32 ? "/f32" : "/f64";
    for (const std::int64_t count : {1'000, 10'000, 100'000, 1'000'000}) {
      list.push_back({"bench-2d" + suffix + "/particles:" + std::to_string(count),
                      gmdiff::bench::plan_2d(std::get<gmdiff::Sampler>(problem.sampler)), count, precision});
    }
    list.push_back({"2d/ddim" + suffix, gmdiff::bench::plan_2d(gmdiff::Ddim{}), 100'000, precision});
    list.push_back({"2d/exact-transition" + suffix, gmdiff::bench::plan_2d(gmdiff::ExactTransition{}),
                    100'000, precision});
    list.push_back({"2d/draw" + suffix, gmdiff::draw_plan({&problem.prior, 1}), 10'000'000, precision});
  }

  const auto wide = [&](CovarianceType structure, Eigen::Index d, Eigen::Index K, std::int64_t count,
                        double slots) {
    const gmdiff::Mixture law = mixture(structure, d, K);
    const std::string name =
        std::string(gmdiff::to_string(structure)) + "/d:" + std::to_string(d) + "/K:" + std::to_string(K);
    list.push_back({name + "/ddim/f32", gmdiff::bench::plan_of(law, gmdiff::Ddim{}), count,
                    gmdiff::Precision::f32, slots});
    // The speed of stages compared with that of states in registers.
    list.push_back({name + "/ddim/stages/f32",
                    gmdiff::bench::by_stages(gmdiff::bench::plan_of(law, gmdiff::Ddim{})), count});
    list.push_back({name + "/ddim:eta=1/f32", gmdiff::bench::plan_of(law, gmdiff::Ddim{.eta = 1.0}), count});
    list.push_back(
        {name + "/exact-transition/f32", gmdiff::bench::plan_of(law, gmdiff::ExactTransition{}), count});
  };
  wide(CovarianceType::spherical, 80, 25, 20'000, 3.0 * 25 * 80);
  wide(CovarianceType::spherical, 800, 25, 2'000, 3.0 * 25 * 800);
  wide(CovarianceType::diag, 80, 25, 20'000, 5.0 * 25 * 80);
  wide(CovarianceType::full, 16, 25, 20'000, 2.0 * 25 * 16 * 16);
  wide(CovarianceType::full, 64, 200, 400, 2.0 * 200 * 64 * 64);
  for (const auto& [name, sampler] :
       std::vector<std::pair<std::string, gmdiff::GuidedSampler>>{{"tmp", gmdiff::Tmp{}},
                                                                  {"pigdm", gmdiff::Pigdm{}},
                                                                  {"dps", gmdiff::Dps{}},
                                                                  {"dps-gsg", gmdiff::DpsGsg{}}}) {
    list.push_back({"mcgdiff/d:80/dy:2/" + name + "/f32", gmdiff::bench::guided_plan_80(sampler), 1000});
  }
  return list;
}

void log_density(benchmark::State& state, const gmdiff::Device& device) {
  const gmdiff::Mixture law = mixture(CovarianceType::full, 64, 200);
  const Points x = gmdiff::bench::normals(state.range(0), 64);
  for (auto _ : state) benchmark::DoNotOptimize(gmdiff::evaluate(law, x, {}, {.device = device}));
  state.counters["points_per_second"] =
      benchmark::Counter(static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}

void register_on(const gmdiff::Device& device) {
  for (const Case& one : cases()) {
    // The reference is the yardstick of results, not of times, so a few thousand particles suffice.
    if (device == gmdiff::Device::reference() && one.name.find("particles:1000") == std::string::npos)
      continue;
    if (device == gmdiff::Device::reference() && one.count > 10'000) continue;
    benchmark::RegisterBenchmark((device.name() + "/" + one.name).c_str(), run_case, one, device)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  if (device == gmdiff::Device::reference()) return;
  benchmark::RegisterBenchmark((device.name() + "/log-density/full/d:64/K:200/f64/points").c_str(),
                               log_density, device)
      ->Arg(100'000)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add_all() {
  fma_ceiling = gmdiff::bench::measured_fma_ceiling();
  benchmark::AddCustomContext("fma_per_second", std::to_string(fma_ceiling));
  for (const gmdiff::DeviceInfo& info : gmdiff::devices()) {
    if (!info.available) continue;
    benchmark::AddCustomContext(info.name, info.description);
    register_on(gmdiff::Device::parse(info.name));
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
