// Measures the cost of a call in addition to its work: a thousand small runs in a row against one run of as
// many particles. Names are calls/particles of a call/how; `session` holds a Session, `function` calls the
// free function, which finds the session of the thread.
//   gmdiff_session_bench --benchmark_repetitions=5

#include "bench.hpp"

namespace {

using gmdiff::Device;
using gmdiff::Options;
using gmdiff::Plan;
using gmdiff::Session;

constexpr std::int64_t particles = 1'000'000;

Plan plan_of_ten_steps() {
  const std::vector<gmdiff::Mixture> law = {
      {{0.6, 0.4}, gmdiff::Points{{0.0, 0.0}, {2.0, 2.0}}, gmdiff::Covariance::spherical({0.5, 0.8})}};
  const gmdiff::ForwardProcess process = gmdiff::vp(gmdiff::LinearBeta{});
  return gmdiff::sampling_plan(law, process, gmdiff::TimeGrid::uniform(process, 10),
                               gmdiff::Ddim{.eta = 0.5});
}

/// `calls` runs of `particles` together.
template <class Run>
void run_calls(benchmark::State& state, std::int64_t calls, const Device& device, Run run) {
  const Plan plan = plan_of_ten_steps();
  const std::int64_t of_a_call = particles / calls;
  for (auto _ : state) {
    for (std::int64_t call = 0; call < calls; ++call) {
      benchmark::DoNotOptimize(
          run(plan, Options{.count = of_a_call, .seed = 1, .device = device, .first = call * of_a_call}));
    }
  }
  state.counters["seconds_per_call"] =
      benchmark::Counter(static_cast<double>(calls),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <class Run>
void add(const std::string& how, std::int64_t calls, const Device& device, Run run) {
  const std::string name = device.name() + "/calls:" + std::to_string(calls) +
                           "/particles:" + std::to_string(particles / calls) + "/" + how;
  benchmark::RegisterBenchmark(
      name.c_str(), [calls, device, run](benchmark::State& state) { run_calls(state, calls, device, run); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add_all() {
  for (const gmdiff::DeviceInfo& info : gmdiff::devices()) {
    const Device device = Device::parse(info.name);
    // The reference is the yardstick of results, not of times.
    if (!info.available || device == Device::reference()) continue;
    benchmark::AddCustomContext(info.name, info.description);
    for (const std::int64_t calls : {1, 1000}) {
      add("function", calls, device,
          [](const Plan& plan, const Options& options) { return gmdiff::run(plan, options); });
      const auto session = std::make_shared<const Session>(device);
      add("session", calls, device,
          [session](const Plan& plan, const Options& options) { return session->run(plan, options); });
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
