#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include <gtest/gtest.h>
#include <gmdiff/device/evaluate.hpp>
#include <gmdiff/device/sample.hpp>

#include "device/devices_under_test.hpp"
#include "support/golden.hpp"

// golden/mixture_d*.json on every device: densities, responsibilities, score and denoiser at given points,
// and the denoiser of a step. In float, the points near and between modes with the README's tolerances.

namespace gmdiff {
namespace {

using test::json;

constexpr double eps = std::numeric_limits<double>::epsilon();

class GoldenOnDevices : public testing::TestWithParam<std::tuple<Device, const char*, Precision>> {};

/// One point of a golden file with what its tolerances need.
struct Point {
  double relative;      // tolerance of score and denoiser
  double logit;         // absolute tolerance of log responsibilities
  double log_density;   // relative
  double dense;         // error of the smallest eigenvalue of a nearly singular dense matrix
  bool near_the_modes;  // points at which float is compared
};

Point point_of(const Device& device, const json& one, const json& query, Eigen::Index n) {
  const double quadratic = test::vector(query["quadratic_max"])(n);
  const double condition = test::number(query["condition"]);
  const auto type = one["covariance_type"].get<std::string>();
  // The reference factorises C_k and so loses digits of a singular C_k too; the other devices have its
  // eigenvalues.
  const auto name = one["name"].get<std::string>();
  const bool ill_conditioned = name.ends_with(device == Device::reference() ? "singular" : "nearly_singular");
  const bool inaccurate = (type == "tied" || type == "full") && ill_conditioned;
  // Singular cases have no kind: all their points are near.
  const std::string kind = query.contains("point_kind")
                               ? query["point_kind"][static_cast<std::size_t>(n)].get<std::string>()
                               : "near";
  return {.relative = 1e-12 + 50.0 * eps * (condition + quadratic),
          .logit = 20.0 * eps * quadratic + 1e-12,
          .log_density = 1e-13,
          .dense = inaccurate ? 20.0 * eps * condition : 0.0,
          .near_the_modes = kind == "near" || kind == "mid"};
}

double scale_of(const Points& expected, Eigen::Index n, double least) {
  const double scale = std::max(expected.row(n).cwiseAbs().maxCoeff(), least);
  return scale > 0.0 ? scale : 1.0;
}

/// Compares row n with the tolerance of the precision.
void expect_row_near(const Points& actual, const Points& expected, Eigen::Index n, double scale,
                     double relative_f64, double relative_f32, Precision precision, const std::string& what) {
  const double tolerance = (precision == Precision::f64 ? relative_f64 : relative_f32) * scale;
  EXPECT_LE((actual.row(n) - expected.row(n)).cwiseAbs().maxCoeff(), tolerance) << what << " of point " << n;
}

TEST_P(GoldenOnDevices, GivenPoints) {
  const auto& [device, file, precision] = GetParam();
  const json golden = test::load_golden(file);
  int compared = 0;
  for (const json& one : golden["cases"]) {
    const Mixture mixture = test::mixture(one);
    const double largest_mean = mixture.means().cwiseAbs().maxCoeff();
    for (const json& query : one["queries"]) {
      const Level level{query["alpha"].get<double>(), query["sigma"].get<double>()};
      SCOPED_TRACE(one["name"].get<std::string>() + ", alpha = " + std::to_string(level.alpha) +
                   ", sigma = " + std::to_string(level.sigma));
      const Points x = test::matrix(query["x"]);
      const Evaluation actual = evaluate(mixture, x, level,
                                         {.log_density = true,
                                          .log_responsibilities = true,
                                          .score = true,
                                          .denoiser = true,
                                          .device = device,
                                          .precision = precision});
      const Points denoiser = test::matrix(query["denoiser"]);
      for (Eigen::Index n = 0; n < x.rows(); ++n) {
        const Point point = point_of(device, one, query, n);
        if (precision == Precision::f32 && !point.near_the_modes) continue;
        ++compared;
        expect_row_near(actual.denoiser, denoiser, n, scale_of(denoiser, n, largest_mean), point.relative,
                        1e-4, precision, "denoiser");
        const Points score = test::matrix(query["score"]);
        expect_row_near(actual.score, score, n, scale_of(score, n, 0.0), point.relative, 1e-3, precision,
                        "score");
        const Points log_r = test::matrix(query["log_resp"]);
        for (Eigen::Index k = 0; k < log_r.cols(); ++k) {
          if (precision == Precision::f32) {
            EXPECT_NEAR(std::exp(actual.log_responsibilities(n, k)), std::exp(log_r(n, k)), 1e-3)
                << "point " << n << " component " << k;
          } else if (std::isinf(log_r(n, k))) {
            EXPECT_EQ(actual.log_responsibilities(n, k), log_r(n, k));
          } else {
            const double tolerance = point.logit + point.dense * std::max(1.0, std::abs(log_r(n, k)));
            EXPECT_NEAR(actual.log_responsibilities(n, k), log_r(n, k), tolerance)
                << "point " << n << " component " << k;
          }
        }
        const double logp = test::vector(query["logp"])(n);
        const double tolerance = precision == Precision::f64 ? point.log_density + point.dense : 1e-3;
        EXPECT_LE(std::abs(actual.log_density(n) - logp),
                  tolerance * std::max(precision == Precision::f64 ? 0.0 : 1.0, std::abs(logp)))
            << "point " << n;
      }
    }
  }
  EXPECT_GT(compared, 10);
}

// A step x <- D(x), which small laws compute by code of their own.
TEST_P(GoldenOnDevices, DenoiserOfAStep) {
  const auto& [device, file, precision] = GetParam();
  const json golden = test::load_golden(file);
  for (const json& one : golden["cases"]) {
    const Mixture mixture = test::mixture(one);
    const double largest_mean = mixture.means().cwiseAbs().maxCoeff();
    for (const json& query : one["queries"]) {
      const Level level{query["alpha"].get<double>(), query["sigma"].get<double>()};
      SCOPED_TRACE(one["name"].get<std::string>() + ", alpha = " + std::to_string(level.alpha) +
                   ", sigma = " + std::to_string(level.sigma));
      const Points x = test::matrix(query["x"]);
      AffineStep step;
      step.evaluations = 1;
      step.level1 = level;
      step.a = 0.0;
      step.b_1 = 1.0;
      Plan plan = draw_plan(std::span(&mixture, 1));
      plan.kind = PlanKind::sample;
      plan.steps = {step};
      plan.times = {1.0, 0.0};

      const Points D =
          run(plan, {.count = x.rows(), .device = device, .precision = precision, .start = x}).to_double();

      const Points denoiser = test::matrix(query["denoiser"]);
      for (Eigen::Index n = 0; n < x.rows(); ++n) {
        const Point point = point_of(device, one, query, n);
        if (precision == Precision::f32 && !point.near_the_modes) continue;
        expect_row_near(D, denoiser, n, scale_of(denoiser, n, largest_mean), point.relative, 1e-4, precision,
                        "denoiser");
      }
    }
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Device, const char*, Precision>>& info) {
  const std::string precision = std::get<2>(info.param) == Precision::f32 ? "_f32" : "_f64";
  return std::get<0>(info.param).name() + "_" + std::get<1>(info.param) + precision;
}
// The reference computes in double for every precision.
std::vector<Device> devices_to_test() { return test::devices_under_test(); }
INSTANTIATE_TEST_SUITE_P(Devices, GoldenOnDevices,
                         testing::Combine(testing::ValuesIn(devices_to_test()),
                                          testing::Values("mixture_d1", "mixture_d2", "mixture_d8",
                                                          "mixture_d80"),
                                          testing::Values(Precision::f32, Precision::f64)),
                         name_of);

}  // namespace
}  // namespace gmdiff
