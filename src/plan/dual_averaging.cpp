#include "plan/dual_averaging.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "base/extended.hpp"

namespace gmdiff {
namespace {

double log(double x) { return static_cast<double>(extended::log(static_cast<long double>(x))); }
double pow(double x, double y) {
  return static_cast<double>(extended::pow(static_cast<long double>(x), static_cast<long double>(y)));
}

}  // namespace

DualAveraging::DualAveraging(double initial_step, double target_acceptance)
    : log_centre_(log(10.0 * initial_step)), target_(target_acceptance), log_step_(log(initial_step)) {}

void DualAveraging::add(double acceptance) {
  constexpr double gamma = 0.05, t0 = 10.0, kappa = 0.75;
  steps_ += 1.0;
  const double weight = 1.0 / (steps_ + t0);
  H_ = (1.0 - weight) * H_ + weight * (target_ - acceptance);
  log_step_ = log_centre_ - std::sqrt(steps_) / gamma * H_;
  const double newest = pow(steps_, -kappa);
  log_average_ = newest * log_step_ + (1.0 - newest) * log_average_;
}

Eigen::VectorXd crossing_steps(Eigen::Index chains, const AcceptanceAt& acceptance) {
  Eigen::VectorXd eps = Eigen::VectorXd::Ones(chains);
  const Eigen::VectorXd at_one = acceptance(eps);
  std::vector<bool> crossed(static_cast<std::size_t>(chains), false);
  for (int n = 0; n < most_crossing_steps; ++n) {
    for (Eigen::Index c = 0; c < chains; ++c) {
      if (!crossed[static_cast<std::size_t>(c)]) eps(c) *= at_one(c) > 0.5 ? 2.0 : 0.5;
    }
    const Eigen::VectorXd found = acceptance(eps);
    for (Eigen::Index c = 0; c < chains; ++c) {
      if ((found(c) > 0.5) != (at_one(c) > 0.5)) crossed[static_cast<std::size_t>(c)] = true;
    }
    if (std::ranges::all_of(crossed, [](bool value) { return value; })) return eps;
  }
  fail(endless_search_text("pilot: the acceptance of a chain"));
}

std::string endless_search_text(const std::string& acceptance) {
  return concat(
      acceptance, " is on one side of 1/2 for all steps from 1 to 2^", most_crossing_steps, " or 2^-",
      most_crossing_steps,
      "; the target is flat at the chain's start, or its scale is beyond these steps; another start "
      "or a given step may help");
}

Eigen::VectorXd shrunk_variances(const Eigen::VectorXd& variances, double N) {
  return (N * variances.array() + 5e-3) / (N + 5.0);
}

double median_of(const Eigen::VectorXd& values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
}

}  // namespace gmdiff
