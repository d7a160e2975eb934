#pragma once

#include <functional>
#include <string>

#include <Eigen/Core>

#include <gmdiff/sampler/mcmc.hpp>

// Step sizes of Markov chains from their acceptance (mathematics.md §12.3).

namespace gmdiff {

/// Acceptance that the step of a method aims at.
inline double target_acceptance(const Mala& /*mala*/) { return 0.574; }
inline double target_acceptance(const Hmc& /*hmc*/) { return 0.8; }
inline double target_acceptance(const Obabo& /*obabo*/) { return 0.9; }

/// Most doublings, or halvings, of a search for a first step.
constexpr int most_crossing_steps = 50;

/// Dual averaging of log eps (Hoffman & Gelman 2014, §3.2), with their gamma = 0.05, t_0 = 10, kappa = 0.75.
class DualAveraging {
 public:
  DualAveraging(double initial_step, double target_acceptance);
  /// Adds the acceptance probability of a step of size `step()`.
  void add(double acceptance);
  double H() const { return H_; }
  double log_step() const { return log_step_; }
  double log_average() const { return log_average_; }  ///< of the steps so far; the result

 private:
  double log_centre_, target_;
  double steps_ = 0.0, H_ = 0.0;
  double log_step_, log_average_ = 0.0;
};

/// Says that an acceptance did not cross 1/2. @param acceptance the beginning of the sentence
std::string endless_search_text(const std::string& acceptance);

/// Acceptance probabilities of several chains at steps eps of their own.
using AcceptanceAt = std::function<Eigen::VectorXd(const Eigen::VectorXd& eps)>;

/// For each chain, the first of the steps 1, 2, 4, ... or 1, 1/2, 1/4, ... at which the acceptance has
/// crossed 1/2.
/// @throws std::invalid_argument if 50 of them do not suffice.
Eigen::VectorXd crossing_steps(Eigen::Index chains, const AcceptanceAt& acceptance);

/// Variances of a diagonal preconditioner from the sample variances of N draws: they shrink a little to
/// 10^-3.
Eigen::VectorXd shrunk_variances(const Eigen::VectorXd& variances, double N);

/// The median; the mean of the middle two of an even number.
double median_of(const Eigen::VectorXd& values);

}  // namespace gmdiff
