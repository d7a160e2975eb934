// Chain-steps per second of whole runs of Markov chains. Names are sampler/target/device/precision/chains; the
// script peers/blackjax_chains.py measures the same work by BlackJAX.
//   gmdiff_mcmc_bench --benchmark_out=FILE --benchmark_out_format=json

#include <variant>

#include "bench.hpp"

namespace {

using gmdiff::McmcSampler;
using gmdiff::Plan;
using gmdiff::Points;
using gmdiff::Target;

struct ChainCase {
  std::string name;
  Plan plan;
  std::int64_t chains;
  gmdiff::Precision precision = gmdiff::Precision::f32;
};

void run_chains(benchmark::State& state, const ChainCase& one, const gmdiff::Device& device) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(gmdiff::run(
        one.plan, {.count = one.chains, .seed = 1, .device = device, .precision = one.precision}));
  }
  const double steps = static_cast<double>(one.plan.num_steps()) * static_cast<double>(one.chains);
  state.counters["chain_steps_per_second"] =
      benchmark::Counter(steps, benchmark::Counter::kIsIterationInvariantRate);
}

/// Logistic regression with N rows of normal covariates; labels follow a normal weight vector.
Target logistic(Eigen::Index rows, Eigen::Index dim) {
  const Points data = gmdiff::bench::normals(rows, dim);
  const Eigen::VectorXd weights = gmdiff::bench::normals(1, dim, 2).row(0).transpose();
  const Points noise = gmdiff::bench::normals(rows, 1, 3);
  const Eigen::VectorXd labels = ((data * weights + noise.col(0)).array() > 0.0).cast<double>();
  return gmdiff::Logistic{.data = data, .labels = labels};
}

std::vector<ChainCase> cases() {
  const gmdiff::Mixture mixture = gmdiff::bench_2d().prior;
  const McmcSampler mala = gmdiff::Mala{.step = 0.5, .run = {.steps = 1000}};
  const McmcSampler small = gmdiff::Mala{.step = 0.01, .run = {.steps = 1000}};
  const Target slide = gmdiff::SinGaussian{};
  const Target text = gmdiff::ExpressionTarget{.density = "-(x^2 + sin(5 + 5*x))/2"};
  std::vector<ChainCase> list;
  for (const auto precision : {gmdiff::Precision::f32, gmdiff::Precision::f64}) {
    const std::string suffix = precision == gmdiff::Precision::f32 ? "/f32" : "/f64";
    for (const std::int64_t chains : {1'000, 10'000, 100'000}) {
      const std::string name = suffix + "/chains:" + std::to_string(chains);
      list.push_back({"mala/bench-2d" + name, gmdiff::mcmc_plan(mixture, mala), chains, precision});
    }
    list.push_back({"mala/sin-gaussian" + suffix + "/chains:100000", gmdiff::mcmc_plan(slide, mala), 100'000,
                    precision});
    list.push_back(
        {"mala/expression" + suffix + "/chains:100000", gmdiff::mcmc_plan(text, mala), 100'000, precision});
    list.push_back({"mala/logistic/N:1000/d:25" + suffix + "/chains:1000",
                    gmdiff::mcmc_plan(logistic(1000, 25), small), 1000, precision});
  }
  return list;
}

void add_all() {
  for (const gmdiff::DeviceInfo& info : gmdiff::devices()) {
    if (!info.available) continue;
    const gmdiff::Device device = gmdiff::Device::parse(info.name);
    // The reference is the yardstick of results, not of times.
    if (device == gmdiff::Device::reference()) continue;
    benchmark::AddCustomContext(info.name, info.description);
    for (const ChainCase& one : cases()) {
      benchmark::RegisterBenchmark((device.name() + "/" + one.name).c_str(), run_chains, one, device)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
