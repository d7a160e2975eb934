#include "plan/mcmc_checks.hpp"

#include <cmath>
#include <cstdint>

#include "model/mixture/singular_component.hpp"

namespace gmdiff::mcmc {
namespace {

constexpr int most_chain_steps = 10'000'000;
constexpr int largest_first_step = 1'000'000'000;

}  // namespace

void require_positive(const char* method, const char* name, double value) {
  require(std::isfinite(value) && value > 0.0, method, ": ", name, " must be positive, got ", value);
}

void check_run(const char* method, const ChainRun& run) {
  require(run.warmup >= 0, method, ": warmup must not be negative, got ", run.warmup);
  require(run.steps >= 1, method, ": steps must be at least 1, got ", run.steps);
  require(run.thin >= 1 && run.thin <= run.steps, method, ": thin must be in [1, ", run.steps, "], got ",
          run.thin);
  require(std::int64_t{run.warmup} + run.steps <= most_chain_steps, method, ": a chain has at most ",
          most_chain_steps, " steps, got ", run.warmup, " + ", run.steps);
  require(run.output != ChainOutput::moments || run.steps >= num_batches, method, ": output=moments needs ",
          num_batches, " steps or more, one for each batch, got ", run.steps);
  require_positive(method, "start_std", run.start_std);
  require(run.start_mean.size() == 0 || run.start == Start::gaussian, method,
          ": start_mean is the mean of the start gaussian, and the start is exact");
  require(run.first_step >= 0 && run.first_step <= largest_first_step, method, ": first_step must be in [0, ",
          largest_first_step, "], got ", run.first_step);
}

void check_start_mean(const Eigen::VectorXd& mean, Eigen::Index d) {
  if (mean.size() == 0) return;
  require(mean.size() == d, "mcmc_plan: start_mean has ", mean.size(), " numbers, expected ", d);
  for (Eigen::Index i = 0; i < d; ++i)
    require(std::isfinite(mean(i)), "mcmc_plan: start_mean has ", mean(i), " at ", i,
            ", expected a finite number");
}

void check_preconditioner(const Eigen::MatrixXd& L, Eigen::Index d) {
  if (L.size() == 0) return;
  require(L.rows() == d && (L.cols() == 1 || L.cols() == d), "mcmc_plan: preconditioner has shape (",
          L.rows(), ", ", L.cols(), "), expected (", d, ", 1) or (", d, ", ", d, ")");
  for (Eigen::Index i = 0; i < d; ++i) {
    const double own = L(i, L.cols() == 1 ? 0 : i);
    require(own > 0.0, "mcmc_plan: preconditioner has ", own, " at ", i,
            " of its diagonal, expected a positive number");
    for (Eigen::Index j = 0; j < L.cols(); ++j) {
      require(std::isfinite(L(i, j)), "mcmc_plan: preconditioner (", i, ", ", j, ") is not finite");
      require(j <= i || L(i, j) == 0.0, "mcmc_plan: preconditioner (", i, ", ", j,
              ") must be 0: the factor L is lower triangular");
    }
  }
}

void check_preconditioner(const McmcSampler& sampler, Eigen::Index d) {
  std::visit([d](const auto& method) { check_preconditioner(method.run.preconditioner, d); }, sampler);
}

const Mixture& normal_target(std::span<const Mixture> targets, const OrnsteinUhlenbeck& sampler) {
  require(targets.size() == 1, "ou: expected one target, given ", targets.size());
  const Mixture& target = targets.front();
  require(target.num_components() == 1,
          "ou: expected a normal law, a mixture of one component, as the target; given K = ",
          target.num_components());
  require(sampler.run.preconditioner.size() == 0,
          "ou: a preconditioner is given, but exact transitions take none");
  return target;
}

void check_target(const Mixture& target) {
  const auto singular = singular_component(target);
  require(!singular, "mcmc_plan: component ", singular.value_or(0),
          " of the target has a singular covariance, so the target has no density");
}

}  // namespace gmdiff::mcmc
