#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <gmdiff/device/sample.hpp>

#include "device/cases.hpp"
#include "device/devices_under_test.hpp"

// Compares whole runs of every device with those of `reference` with the same noise (numerics.md §1): within
// 1e-10 of the run's largest number in double, 1e-3 in float. Between separated modes any rounding grows
// without bound. A particle beyond the bound is excused if moving its start by a few float ulp moves its end
// on the reference by a tenth of the difference; only few may be excused.

namespace gmdiff {
namespace {

constexpr std::int64_t count = 400;

double tolerance(Precision precision) { return precision == Precision::f64 ? 1e-10 : 1e-3; }

/// The end state of one particle on the reference when its start is moved by `ulps` float ulp in every
/// coordinate.
Eigen::VectorXd moved_end(const Plan& plan, const Options& options, const Points& starts, Eigen::Index n,
                          int ulps) {
  Options one = options;
  one.device = Device::reference();
  one.first = options.first + n;
  one.count = 1;
  one.history = 0;
  Points start = starts.row(n);
  for (double& value : start.reshaped()) value += ulps * std::abs(value) * 0x1p-23;
  one.start = start;
  return run(plan, one).to_double().row(0).transpose();
}

/// Whether the reference itself is sensitive enough to excuse the particle.
bool excused(const Plan& plan, const Options& options, const Points& starts, Eigen::Index n,
             double difference) {
  const Eigen::VectorXd end = moved_end(plan, options, starts, n, 0);
  for (const int ulps : {-4, 4}) {
    if ((moved_end(plan, options, starts, n, ulps) - end).cwiseAbs().maxCoeff() >= 0.1 * difference)
      return true;
  }
  return false;
}

/// Returns the number of excused particles; the others must agree.
int compare(const Plan& plan, Options options, const std::string& what) {
  options.history = static_cast<int>(plan.times.size());
  Options by_reference = options;
  by_reference.device = Device::reference();
  const auto levels = static_cast<Eigen::Index>(plan.times.size());
  const Points x = run(plan, options).to_double();
  const Points expected = run(plan, by_reference).to_double();
  const double allowed = tolerance(options.precision) * expected.cwiseAbs().maxCoeff();
  Points starts(options.count, plan.dim());
  for (Eigen::Index n = 0; n < options.count; ++n) starts.row(n) = expected.row(n * levels);

  int excuses = 0;
  for (Eigen::Index n = 0; n < options.count; ++n) {
    const double difference = (x - expected).middleRows(n * levels, levels).cwiseAbs().maxCoeff();
    if (difference <= allowed) continue;
    if (excused(plan, options, starts, n, difference)) {
      ++excuses;
    } else {
      ADD_FAILURE() << what << ": particle " << n << " differs by " << difference << ", allowed " << allowed;
    }
  }
  return excuses;
}

class AgainstReference : public testing::TestWithParam<std::tuple<Device, CovarianceType>> {};

TEST_P(AgainstReference, EverySamplerAgrees) {
  const auto& [device, structure] = GetParam();
  const ForwardProcess process = vp(LinearBeta{});
  for (const auto& [dim, components] : {std::pair{1, 4}, {2, 3}, {4, 20}, {7, 5}, {20, 19}}) {
    const Mixture mixture = test::mixture_of(structure, dim, components);
    for (const Sampler& sampler : test::every_sampler()) {
      const Plan plan =
          sampling_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 20), sampler);
      for (const Precision precision : {Precision::f64, Precision::f32}) {
        const std::string what = "d " + std::to_string(dim) + " sampler " + std::to_string(sampler.index()) +
                                 (precision == Precision::f64 ? " f64" : " f32");
        const int excuses =
            compare(plan, {.count = count, .seed = 4, .device = device, .precision = precision}, what);
        EXPECT_LE(excuses, std::max(2.0, 1e-4 * static_cast<double>(count))) << what;
      }
    }
  }
}

TEST_P(AgainstReference, ForwardPathsAndDrawsAgree) {
  const auto& [device, structure] = GetParam();
  const ForwardProcess process = vp(LinearBeta{});
  for (const auto& [dim, components] : {std::pair{1, 4}, {2, 3}, {7, 20}}) {
    const Mixture mixture = test::mixture_of(structure, dim, components);
    const Plan forward = forward_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 6));
    const Plan draws = draw_plan(std::span(&mixture, 1), {.alpha = 0.75, .sigma = 0.5});
    for (const Precision precision : {Precision::f64, Precision::f32}) {
      for (const Plan* plan : {&forward, &draws}) {
        const Points x = run(*plan, {.count = count, .device = device, .precision = precision}).to_double();
        const Points expected =
            run(*plan, {.count = count, .device = Device::reference(), .precision = precision}).to_double();
        EXPECT_LE((x - expected).cwiseAbs().maxCoeff(), tolerance(precision) * expected.cwiseAbs().maxCoeff())
            << "d " << dim;
      }
    }
  }
}

TEST_P(AgainstReference, SingularCovariancesAgree) {
  const Device device = std::get<0>(GetParam());
  const CovarianceType structure = std::get<1>(GetParam());
  const ForwardProcess process = vp(LinearBeta{});
  for (const int dim : {2, 6}) {
    // Half of the directions have no variance at all.
    const Mixture regular = test::mixture_of(structure, dim, 3);
    Points l = regular.eigenvalues();
    for (Eigen::Index i = 0; i < l.size(); i += 2) l.data()[i] = 0.0;
    const std::vector<double> weights{0.2, 0.5, 0.3};
    const Covariance covariance = [&] {
      switch (structure) {
        case CovarianceType::spherical:
          return Covariance::spherical(std::vector<double>(l.data(), l.data() + l.size()));
        case CovarianceType::diag:
          return Covariance::diag(l);
        case CovarianceType::tied:
          return Covariance::tied_eigen(regular.bases().front(), l.row(0).transpose());
        case CovarianceType::common_basis:
          return Covariance::common_basis(regular.bases().front(), l);
        case CovarianceType::full:
          break;
      }
      return Covariance::full_eigen(regular.bases(), l);
    }();
    const Mixture mixture(weights, regular.means(), covariance);
    for (const Sampler& sampler :
         {Sampler(ExactTransition{}), Sampler(Ddim{.eta = 1.0}), Sampler(Dpmpp2m{})}) {
      const Plan plan =
          sampling_plan(std::span(&mixture, 1), process, TimeGrid::uniform(process, 20), sampler);
      const int excuses = compare(plan, {.count = count, .device = device, .precision = Precision::f64},
                                  "d " + std::to_string(dim));
      EXPECT_LE(excuses, 2);
    }
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Device, CovarianceType>>& info) {
  const CovarianceType structure = std::get<1>(info.param);
  return std::get<0>(info.param).name() + "_" +
         (structure == CovarianceType::common_basis ? "common_basis" : to_string(structure));
}
std::vector<Device> fast_devices() {
  std::vector<Device> list = test::devices_under_test();
  std::erase(list, Device::reference());
  return list;
}
INSTANTIATE_TEST_SUITE_P(Devices, AgainstReference,
                         testing::Combine(testing::ValuesIn(fast_devices()),
                                          testing::ValuesIn(test::every_structure())),
                         name_of);

}  // namespace
}  // namespace gmdiff
