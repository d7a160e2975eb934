// Particle-steps per second of whole runs on a GPU. Names are cuda/problem/sampler/precision with axes d, K
// and particles. Benchmarks that count slots also report the share of the GPU's FMA ceiling, measured at the
// start of the same run.
//   gmdiff_cuda_bench --benchmark_out=FILE --benchmark_out_format=json

#include <gmdiff/model/observation.hpp>
#include <gmdiff/network/learned_denoiser.hpp>
#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/plan/smc_plan.hpp>

#include "gpu_bench.hpp"
#include "network/paths/sampler_training.hpp"
#include "timed_gpu.hpp"

namespace {

using gmdiff::CovarianceType;
using gmdiff::Points;
using gmdiff::Precision;
using gmdiff::bench::GpuUnderTest;
using gmdiff::bench::mixture;
using gmdiff::bench::plan_of;
using gmdiff::bench::register_on_gpu;

/// Instructions per particle-step of bench-2d in float in a prototype; the target is half of the ceiling for
/// this number. docs/performance.md has the number of the kernel.
constexpr double slots_2d = 182;

void add_2d() {
  const gmdiff::Problem problem = gmdiff::bench_2d();
  const gmdiff::Plan bench = gmdiff::bench::plan_2d(std::get<gmdiff::Sampler>(problem.sampler));
  for (const std::int64_t count : {100'000, 1'000'000, 10'000'000, 100'000'000}) {
    register_on_gpu(
        {"bench-2d/f32/particles:" + std::to_string(count), bench, count, Precision::f32, slots_2d});
  }
  register_on_gpu({"bench-2d/f64/particles:10000000", bench, 10'000'000, Precision::f64});
  for (const auto precision : {Precision::f32, Precision::f64}) {
    const std::string suffix = precision == Precision::f32 ? "/f32" : "/f64";
    register_on_gpu({"2d/ddim" + suffix, gmdiff::bench::plan_2d(gmdiff::Ddim{}), 10'000'000, precision});
    register_on_gpu({"2d/exact-transition" + suffix, gmdiff::bench::plan_2d(gmdiff::ExactTransition{}),
                     10'000'000, precision});
    register_on_gpu({"2d/draw" + suffix, gmdiff::draw_plan({&problem.prior, 1}), 100'000'000, precision});
  }
}

void add_wide(CovarianceType structure, Eigen::Index d, Eigen::Index K, std::int64_t count, double slots) {
  const gmdiff::Mixture law = mixture(structure, d, K);
  const std::string kind =
      structure == CovarianceType::common_basis ? "common-basis" : gmdiff::to_string(structure);
  const std::string name = kind + "/d:" + std::to_string(d) + "/K:" + std::to_string(K);
  register_on_gpu({name + "/ddim/f32", plan_of(law, gmdiff::Ddim{}), count, Precision::f32, slots});
  register_on_gpu({name + "/ddim:eta=1/f32", plan_of(law, gmdiff::Ddim{.eta = 1.0}), count});
  register_on_gpu({name + "/exact-transition/f32", plan_of(law, gmdiff::ExactTransition{}), count});
}

/// A learned denoiser of the default size, evaluated once a step, and guided by its derivative: D and J^T v,
/// whose forward and backward pass cost as much as two evaluations. Its parameters are those before training.
void add_learned(Eigen::Index d, std::int64_t count) {
  const gmdiff::DenoiserSettings settings{};
  const gmdiff::LearnedDenoiser learned(
      gmdiff::start_training(mixture(CovarianceType::diag, d, 25), settings));
  const gmdiff::ForwardProcess process = gmdiff::vp(gmdiff::LinearBeta{.min = 0.02, .max = 7.0});
  const gmdiff::TimeGrid grid = gmdiff::TimeGrid::uniform(process, 50);
  const gmdiff::LinearObservation observation(Eigen::MatrixXd::Identity(1, d), Eigen::VectorXd::Ones(1), 0.5);
  const auto H = static_cast<double>(settings.hidden);
  const double products = (2.0 * static_cast<double>(d) + (settings.layers - 1) * H) * H;
  const std::string name = "learned/d:" + std::to_string(d) + "/H:" + std::to_string(settings.hidden);
  register_on_gpu({name + "/ddim/f32",
                   gmdiff::sampling_plan(learned.denoiser(), d, process, grid,
                                         gmdiff::Ddim{.start = gmdiff::Start::gaussian}),
                   count, Precision::f32, products});
  register_on_gpu({name + "/dps/f32",
                   gmdiff::guided_plan(learned.denoiser(), observation, process, grid, gmdiff::Dps{}), count,
                   Precision::f32, 3.0 * products});
}

/// Paths of a trained sampler of the funnel: all steps in one launch (dis), or one launch a step, between
/// which the host evaluates the target (dbs); the time is that of the launches.
void paths(benchmark::State& state, gmdiff::PathMethod method) {
  gmdiff::bench::on_gpu(state, [&](const GpuUnderTest& gpu) {
    constexpr int d = 10;
    constexpr std::int64_t count = 1 << 16;
    gmdiff::SamplerSettings settings;
    settings.method = method;
    const gmdiff::Target target = gmdiff::Funnel{.dim = d};
    const gmdiff::PathPlan plan =
        gmdiff::TrainedSampler(gmdiff::start_sampler(target, settings), target).plan();
    const auto run_once = [&] {
      gpu.use->reset();
      benchmark::DoNotOptimize(gmdiff::run(plan, {.count = count, .seed = 1}, *gpu.executor));
      return gpu.use->seconds();
    };
    run_once();
    for (auto _ : state) state.SetIterationTime(run_once());
    const auto H = static_cast<double>(settings.hidden);
    const double networks = method == gmdiff::PathMethod::dbs ? 2.0 : 1.0;
    gmdiff::bench::count(state, "particle_steps_per_second", static_cast<double>(count) * settings.steps,
                         networks * (2.0 * d + (settings.layers - 1) * H) * H, gpu.ceiling.fma32);
    state.counters["launches"] = static_cast<double>(gpu.use->launches.size());
  });
}

/// Iterations of the training of a sampler of the funnel, 2000 paths each, with all that the host does.
/// @param trains_on_gpu otherwise on all processors, for comparison
void training(benchmark::State& state, gmdiff::PathMethod method, bool trains_on_gpu) {
  gmdiff::bench::on_gpu(state, [&](const GpuUnderTest& gpu) {
    const gmdiff::Target target = gmdiff::Funnel{};
    const gmdiff::SamplerTraining start =
        gmdiff::start_sampler(target, {.method = method, .means_std = 1.0, .iterations = 20, .seed = 1});
    const gmdiff::Executor* const executor = trains_on_gpu ? gpu.executor.get() : nullptr;
    for (auto _ : state)
      benchmark::DoNotOptimize(gmdiff::network::continue_sampler_on(executor, start, target, {}));
    state.counters["iterations_per_second"] = benchmark::Counter(
        static_cast<double>(start.settings.iterations), benchmark::Counter::kIsIterationInvariantRate);
  });
}

void add_trainings() {
  for (const auto method : {gmdiff::PathMethod::dis, gmdiff::PathMethod::dbs}) {
    for (const bool on_gpu : {true, false}) {
      const std::string name = std::string(on_gpu ? "cuda" : "cpu") +
                               "/training/funnel/d:10/H:128/paths:2000/" + gmdiff::to_string(method);
      benchmark::RegisterBenchmark(name.c_str(), training, method, on_gpu)
          ->Unit(benchmark::kMillisecond)
          ->Iterations(on_gpu ? 3 : 1)
          ->UseRealTime();
    }
  }
}

/// Log-densities of given points, with one product per U_k.
void log_density(benchmark::State& state, Precision precision) {
  gmdiff::bench::on_gpu(state, [&](const GpuUnderTest& gpu) {
    constexpr Eigen::Index d = 64, K = 200, count = 200'000;
    const gmdiff::Mixture law = mixture(CovarianceType::full, d, K);
    const gmdiff::Plan plan = gmdiff::draw_plan({&law, 1});
    const Points x = gmdiff::bench::normals(count, d);
    std::vector<double> values(count);
    const auto run_once = [&] {
      gpu.use->reset();
      gpu.executor->evaluate({.problem = plan.problems.front(),
                              .level = {},
                              .precision = precision,
                              .points = x.data(),
                              .count = count,
                              .log_density = values.data(),
                              .log_responsibilities = nullptr,
                              .score = nullptr,
                              .denoiser = nullptr,
                              .stop = {}});
      return gpu.use->seconds();
    };
    run_once();
    for (auto _ : state) state.SetIterationTime(run_once());
    gmdiff::bench::count(state, "points_per_second", static_cast<double>(count),
                         static_cast<double>(K * d * d),
                         precision == Precision::f32 ? gpu.ceiling.fma32 : gpu.ceiling.fma64);
  });
}

/// A thousand million particles as a user runs them: wall-clock time from the call to the samples on the
/// host, in bounded memory of the GPU.
void thousand_million(benchmark::State& state) {
  gmdiff::bench::on_gpu(state, [&](const GpuUnderTest& gpu) {
    const gmdiff::Plan plan = gmdiff::bench::plan_2d(std::get<gmdiff::Sampler>(gmdiff::bench_2d().sampler));
    constexpr std::int64_t count = 1'000'000'000;
    gpu.use->reset();
    for (auto _ : state) {
      benchmark::DoNotOptimize(gmdiff::run(
          plan, {.count = count, .seed = 1, .memory_limit = std::size_t{1} << 30}, 0, *gpu.executor));
    }
    gmdiff::bench::count(state, "particle_steps_per_second",
                         static_cast<double>(count) * static_cast<double>(plan.steps.size()), 0.0, 1.0);
    state.counters["peak_bytes"] = static_cast<double>(gpu.use->peak_bytes);
  });
}

/// MCGdiff of a quarter of the coordinates of a diagonal law, 100 steps, resampled in each of them.
gmdiff::SmcPlan smc_plan_of(Eigen::Index d, int particles) {
  const gmdiff::ForwardProcess process = gmdiff::vp(gmdiff::LinearBeta{.min = 0.02, .max = 7.0});
  const gmdiff::LinearObservation observation(Eigen::MatrixXd::Identity(d / 4, d),
                                              Eigen::VectorXd::Ones(d / 4), 0.5);
  return gmdiff::smc_plan(mixture(CovarianceType::diag, d, 25), observation, process,
                          gmdiff::TimeGrid::uniform(process, 100), gmdiff::Mcgdiff{.particles = particles});
}

/// From the first launch to the end of the last, gaps between launches included.
void smc(benchmark::State& state, Eigen::Index d, int particles, std::int64_t chains) {
  gmdiff::bench::on_gpu(state, [&](const GpuUnderTest& gpu) {
    const gmdiff::SmcPlan plan = smc_plan_of(d, particles);
    const auto run_once = [&] {
      gpu.use->reset();
      benchmark::DoNotOptimize(gmdiff::run({&plan, 1}, {.count = chains, .seed = 1}, *gpu.executor));
      return gpu.use->elapsed_seconds();
    };
    run_once();
    for (auto _ : state) state.SetIterationTime(run_once());
    const double steps = static_cast<double>(chains) * particles * static_cast<double>(plan.steps.size());
    const double slots = 5.0 * 25 * static_cast<double>(d);
    gmdiff::bench::count(state, "particle_steps_per_second", steps, slots, gpu.ceiling.fma32);
    state.counters["launches"] = static_cast<double>(gpu.use->launches.size());
    state.counters["peak_bytes"] = static_cast<double>(gpu.use->peak_bytes);
  });
}

void add_smc(Eigen::Index d, int particles, std::int64_t chains) {
  const std::string name = "cuda/smc/diag/d:" + std::to_string(d) +
                           "/K:25/mcgdiff/f32/particles:" + std::to_string(particles) +
                           "/chains:" + std::to_string(chains);
  benchmark::RegisterBenchmark(name.c_str(), smc, d, particles, chains)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(3)
      ->UseManualTime();
}

void add_all() {
  gmdiff::bench::gpu_under_test();
  add_2d();
  add_wide(CovarianceType::spherical, 80, 25, 1'000'000, 3.0 * 25 * 80);
  add_wide(CovarianceType::spherical, 800, 25, 100'000, 3.0 * 25 * 800);
  add_wide(CovarianceType::diag, 80, 25, 1'000'000, 5.0 * 25 * 80);
  add_wide(CovarianceType::common_basis, 80, 25, 1'000'000, 5.0 * 25 * 80);
  add_wide(CovarianceType::full, 16, 25, 1'000'000, 2.0 * 25 * 16 * 16);
  register_on_gpu(gmdiff::bench::full_64());
  add_learned(2, 1'000'000);
  add_learned(64, 1'000'000);
  for (const auto method : {gmdiff::PathMethod::dis, gmdiff::PathMethod::dbs}) {
    const std::string name = std::string("cuda/trained/funnel/d:10/H:128/") + gmdiff::to_string(method);
    benchmark::RegisterBenchmark(name.c_str(), paths, method)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3)
        ->UseManualTime();
  }
  add_trainings();
  add_smc(8, 128, 1000);
  add_smc(80, 128, 1000);
  add_smc(8, 10'000'000, 1);
  for (const auto precision : {Precision::f32, Precision::f64}) {
    const char* const name = precision == Precision::f32 ? "cuda/log-density/full/d:64/K:200/f32"
                                                         : "cuda/log-density/full/d:64/K:200/f64";
    benchmark::RegisterBenchmark(name, log_density, precision)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3)
        ->UseManualTime();
  }
  benchmark::RegisterBenchmark("cuda/bench-2d/f32/particles:1000000000/memory:1GiB", thousand_million)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(1)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
