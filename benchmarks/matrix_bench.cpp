// Compares the kernel of full covariances with the same work by matrix products of cuBLAS (matrix_step.hpp),
// for d = 64, K = 200, float32, in one run.
//   gmdiff_matrix_bench --benchmark_out=FILE --benchmark_out_format=json

#include "events.hpp"
#include "gpu_bench.hpp"
#include "matrix_step.hpp"

namespace {

using gmdiff::Points;

/// A single step from the middle of a run.
gmdiff::Plan one_step(gmdiff::Plan plan) {
  const std::size_t middle = plan.steps.size() / 2;
  plan.steps = {plan.steps[middle]};
  plan.times = {plan.times[middle], plan.times[middle + 1]};
  return plan;
}

std::vector<float> as_float(const Points& values) { return {values.data(), values.data() + values.size()}; }

/// Checks that both ways compute the same: the relative difference of a thousand states after the step from
/// those of the cpu in double.
double difference_from_cpu(const gmdiff::Plan& plan) {
  const Points start = 2.0 * gmdiff::bench::normals(1000, plan.dim());
  const gmdiff::Samples expected = gmdiff::run(plan, {.count = start.rows(),
                                                      .device = gmdiff::Device::cpu(),
                                                      .precision = gmdiff::Precision::f64,
                                                      .start = start});
  gmdiff::bench::MatrixStep step(plan.problems.front(), std::get<gmdiff::AffineStep>(plan.steps.front()),
                                 as_float(start));
  step.run();
  const std::vector<float> states = step.states();
  const Points values = Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(
                            states.data(), start.rows(), start.cols())
                            .cast<double>();
  const Points exact = expected.to_double();
  return (values - exact).norm() / exact.norm();
}

void matrix_products(benchmark::State& state, const gmdiff::bench::Case& one) {
  gmdiff::bench::on_gpu(state, [&](const gmdiff::bench::GpuUnderTest& gpu) {
    const gmdiff::Plan plan = one_step(one.plan);
    if (const double difference = difference_from_cpu(plan); !(difference < 1e-5)) {
      throw gmdiff::DeviceError("the step differs from the cpu's by " + std::to_string(difference));
    }
    gmdiff::bench::MatrixStep step(plan.problems.front(), std::get<gmdiff::AffineStep>(plan.steps.front()),
                                   as_float(gmdiff::bench::normals(one.count, plan.dim())));
    const auto run_once = [&] { return gmdiff::bench::timed(nullptr, [&] { step.run(); }); };
    run_once();
    for (auto _ : state) state.SetIterationTime(run_once());
    gmdiff::bench::count(state, "particle_steps_per_second", static_cast<double>(one.count), one.slots,
                         gpu.ceiling.fma32);
  });
}

void add_all() {
  gmdiff::bench::gpu_under_test();
  const gmdiff::bench::Case one = gmdiff::bench::full_64();
  gmdiff::bench::register_on_gpu(one);
  benchmark::RegisterBenchmark(("cublas/" + one.name).c_str(), matrix_products, one)
      ->Unit(benchmark::kMillisecond)
      ->Iterations(3)
      ->UseManualTime();
}

}  // namespace

int main(int argc, char** argv) { return gmdiff::bench::run(argc, argv, add_all); }
