#pragma once

#include <span>
#include <type_traits>

#include <gmdiff/model/mixture.hpp>
#include <gmdiff/sampler/mcmc.hpp>

#include "base/check.hpp"

// Checks of Markov chains; each throws std::invalid_argument.

namespace gmdiff::mcmc {

template <class Method>
concept IsKinetic = std::is_same_v<Method, Baoab> || std::is_same_v<Method, Obabo>;

/// Methods that accept and reject, whose chains can find steps of their own.
template <class Method>
concept CanAdapt = requires(const Method& method) {
  method.adapt;
};

template <class Method>
bool adapts_in_chains(const Method& method) {
  if constexpr (CanAdapt<Method>) {
    return method.adapt == StepAdaptation::chain;
  } else {
    return false;
  }
}

constexpr int most_leapfrogs = 1000;
/// Number of the batches of a chain's moments, and the largest dimension of their covariances.
constexpr int num_batches = 16;
constexpr Eigen::Index largest_covariance = 32;

void require_positive(const char* method, const char* name, double value);
void check_run(const char* method, const ChainRun& run);

/// Checks that the chains of a method can find steps of their own, if they have to.
template <class Method>
void check_adaptation(const Method& method) {
  if (!adapts_in_chains(method)) return;
  require(!method.step.has_value(), method.name, ": adapt=chain finds the steps, but step is given as ",
          method.step.value_or(0.0));
  require(method.run.warmup >= 1, method.name,
          ": adapt=chain adapts the steps in the warm-up; expected warmup of at least 1, got 0");
  require(method.run.first_step == 0, method.name,
          ": first_step continues chains of a given step, and with adapt=chain each chain has its own");
  if constexpr (std::is_same_v<Method, Mala>)
    require(method.speed == 1.0, method.name, ": adapt=chain finds the steps of speed 1, got ", method.speed);
  if constexpr (std::is_same_v<Method, Obabo>)
    require(method.metropolis, method.name, ": adapt=chain needs metropolis=true, an acceptance to adapt to");
}

/// Checks every parameter but the preconditioner, whose size depends on the target.
template <class Method>
void check_parameters(const Method& method) {
  if (method.step) require_positive(method.name, "step", *method.step);
  if constexpr (std::is_same_v<Method, Ula> || std::is_same_v<Method, Mala> ||
                std::is_same_v<Method, OrnsteinUhlenbeck>)
    require_positive(method.name, "speed", method.speed);
  if constexpr (IsKinetic<Method>) {
    require(std::isfinite(method.friction) && method.friction >= 0.0, method.name,
            ": friction must not be negative, got ", method.friction);
  }
  if constexpr (std::is_same_v<Method, Myula>) {
    if (method.theta) require_positive(method.name, "theta", *method.theta);
  }
  if constexpr (std::is_same_v<Method, Hmc>) {
    require(method.leapfrogs >= 1 && method.leapfrogs <= most_leapfrogs, method.name,
            ": leapfrogs must be in [1, ", most_leapfrogs, "], got ", method.leapfrogs);
  }
  check_run(method.name, method.run);
  if constexpr (CanAdapt<Method>) check_adaptation(method);
}

/// Checks the shape (d, 1) or (d, d) of L, its positive diagonal and that it is lower triangular.
void check_preconditioner(const Eigen::MatrixXd& L, Eigen::Index d);
void check_preconditioner(const McmcSampler& sampler, Eigen::Index d);

/// The one component of the target of exact transitions, which take no preconditioner.
const Mixture& normal_target(std::span<const Mixture> targets, const OrnsteinUhlenbeck& sampler);

/// Checks the shape (d) of the mean of a gaussian start, if there is one.
void check_start_mean(const Eigen::VectorXd& mean, Eigen::Index d);

/// Checks that every component of positive weight has a density.
void check_target(const Mixture& target);

}  // namespace gmdiff::mcmc
