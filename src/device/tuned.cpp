#include <gmdiff/device/tuned.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/check.hpp"
#include "base/extended.hpp"
#include "base/linear_algebra.hpp"
#include "base/random.hpp"
#include "device/pilot_target.hpp"
#include "particle/normals.hpp"
#include "plan/dual_averaging.hpp"
#include "plan/mcmc_checks.hpp"
#include "plan/proximal_chain.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr Index num_chains = 32;
constexpr int pilot_steps = 1000;
// The replicates of the random streams of the pilot and of its search for the first step.
constexpr std::uint32_t of_pilot = 1, of_search = 2;
// Largest ratio of the chains' steps at which one step still fits all of them.
constexpr double one_step_fits = 10.0;

// Functions whose bits are those of every machine.
using Double = particle::One<double>;
double exp(double x) { return static_cast<double>(extended::exp(static_cast<long double>(x))); }
double log_uniform(std::uint64_t U) {
  return particle::log_normal_number(particle::open_uniform<Double>(U)).v;
}

/// Several chains of trajectories, whose step and velocity are given in each step. A Langevin step of size h
/// is a trajectory of one leapfrog of size sqrt(h).
class PilotChains {
 public:
  /// @param L of the preconditioner, as in `ChainRun`; empty: the identity
  PilotChains(const PilotTarget& target, int leapfrogs, Points start, const Eigen::MatrixXd& L)
      : target_(target), leapfrogs_(leapfrogs), x_(std::move(start)) {
    precondition(L);
  }

  const Points& states() const { return x_; }

  void precondition(const Eigen::MatrixXd& L) {
    L_ = L;
    target_.evaluate(x_, l_, gradient_);
    gradient_ = preconditioned(gradient_, /*transposed=*/true);
  }

  /// min(1, ratio) of a trajectory of each chain from velocities v (chains, d).
  VectorXd acceptance(const VectorXd& eps, const Points& v) { return probabilities(propose(eps, v)); }

  /// Makes a Metropolis step with the logarithms of uniform numbers. @returns min(1, ratio) of each chain
  VectorXd advance(const VectorXd& eps, const Points& v, const VectorXd& log_u) {
    const VectorXd log_ratio = propose(eps, v);
    for (Index c = 0; c < x_.rows(); ++c) {
      if (!(log_u(c) < log_ratio(c))) continue;
      x_.row(c) = proposal_.row(c);
      gradient_.row(c) = proposed_gradient_.row(c);
      l_(c) = proposed_l_(c);
    }
    return probabilities(log_ratio);
  }

 private:
  static VectorXd probabilities(const VectorXd& log_ratio) {
    return log_ratio.unaryExpr(
        [](double ratio) { return ratio < 0.0 ? particle::exp_nonpositive(Double(ratio)).v : 1.0; });
  }

  /// L v or L^T v of each row v.
  Points preconditioned(const Points& rows, bool transposed) const {
    if (L_.size() == 0) return rows;
    if (L_.cols() == 1) return rows * L_.col(0).asDiagonal();
    return linear_algebra::product(rows, transposed ? L_ : Eigen::MatrixXd(L_.transpose()));
  }

  /// The log-ratios; -inf where the proposal is not finite.
  VectorXd propose(const VectorXd& eps, const Points& v) {
    proposal_ = x_;
    proposed_gradient_ = gradient_;
    Points velocity = v;
    for (int n = 0; n < leapfrogs_; ++n) {
      velocity += (0.5 * eps).asDiagonal() * proposed_gradient_;
      proposal_ += eps.asDiagonal() * preconditioned(velocity, /*transposed=*/false);
      target_.evaluate(proposal_, proposed_l_, proposed_gradient_);
      proposed_gradient_ = preconditioned(proposed_gradient_, /*transposed=*/true);
      velocity += (0.5 * eps).asDiagonal() * proposed_gradient_;
    }
    VectorXd log_ratio(x_.rows());
    for (Index c = 0; c < x_.rows(); ++c) {
      const double energy = 0.5 * (velocity.row(c).squaredNorm() - v.row(c).squaredNorm());
      const double ratio = proposed_l_(c) - l_(c) - energy;
      const bool is_finite = std::isfinite(ratio) && proposed_gradient_.row(c).allFinite();
      log_ratio(c) = is_finite ? ratio : -std::numeric_limits<double>::infinity();
    }
    return log_ratio;
  }

  const PilotTarget& target_;
  int leapfrogs_;
  Eigen::MatrixXd L_;
  Points x_, gradient_, proposal_, proposed_gradient_;
  VectorXd l_, proposed_l_;
};

/// The random numbers of the pilot's chains.
class PilotStreams {
  using Stream = particle::Normals<Double>;

 public:
  PilotStreams(std::uint64_t seed, Index dim) : seed_(seed), dim_(dim) {
    for (Index c = 0; c < num_chains; ++c) noise_.push_back(stream(c, Purpose::step_noise, of_pilot));
  }

  Points velocities(int step) { return normals(noise_, static_cast<std::uint64_t>(step)); }
  Points search_velocities() const { return first_normals(Purpose::step_noise, of_search); }
  /// First states by the law that the sampler starts with.
  Points start(const PilotTarget& target, const ChainRun& run) const {
    if (run.start == Start::exact) return target.draws(num_chains, seed_, of_pilot);
    Points x = run.start_std * first_normals(Purpose::start_noise, of_pilot);
    if (run.start_mean.size() > 0) x.rowwise() += run.start_mean.transpose();
    return x;
  }
  VectorXd log_uniforms(int step) const {
    VectorXd log_u(num_chains);
    for (Index c = 0; c < num_chains; ++c)
      log_u(c) =
          log_uniform(uniform_u64(key(c, Purpose::accept, of_pilot), static_cast<std::uint64_t>(step)));
    return log_u;
  }

 private:
  StreamKey key(Index chain, Purpose purpose, std::uint32_t replicate) const {
    return {.seed = seed_,
            .index = static_cast<std::uint64_t>(chain),
            .purpose = purpose,
            .replicate = replicate};
  }
  Stream stream(Index chain, Purpose purpose, std::uint32_t replicate) const {
    return {particle::StreamOrigin{seed_, purpose, replicate}, static_cast<std::uint64_t>(chain)};
  }
  Points first_normals(Purpose purpose, std::uint32_t replicate) const {
    std::vector<Stream> streams;
    for (Index c = 0; c < num_chains; ++c) streams.push_back(stream(c, purpose, replicate));
    return normals(streams, 0);
  }
  Points normals(std::vector<Stream>& streams, std::uint64_t step) const {
    Points z(num_chains, dim_);
    for (Index c = 0; c < num_chains; ++c) {
      for (Index j = 0; j < dim_; ++j)
        z(c, j) = streams[static_cast<std::size_t>(c)](step * static_cast<std::uint64_t>(dim_) +
                                                       static_cast<std::uint64_t>(j))
                      .v;
    }
    return z;
  }

  std::uint64_t seed_;
  Index dim_;
  std::vector<Stream> noise_;
};

/// Sums of draws and of their squares, about the first one.
class PooledVariance {
 public:
  void add(const Points& draws) {
    if (count_ == 0.0) {
      origin_ = draws.row(0);
      sum_ = squares_ = Eigen::RowVectorXd::Zero(draws.cols());
    }
    const Points centred = draws.rowwise() - origin_;
    sum_ += centred.colwise().sum();
    squares_ += centred.cwiseAbs2().colwise().sum();
    count_ += static_cast<double>(draws.rows());
  }
  double count() const { return count_; }
  VectorXd variances() const { return ((squares_ - sum_.cwiseAbs2() / count_) / (count_ - 1.0)).transpose(); }

 private:
  double count_ = 0.0;
  Eigen::RowVectorXd origin_, sum_, squares_;
};

/// x to six significant digits: machines whose functions differ in the last bit then find one plan.
double in_six_digits(double x) {
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, x, std::chars_format::scientific, 5);
  double rounded = 0.0;
  std::from_chars(digits, written.ptr, rounded);
  return rounded;
}

/// Result of a pilot run.
struct PilotResult {
  VectorXd eps;  ///< of each chain
  Eigen::MatrixXd preconditioner;
};

class Pilot {
 public:
  Pilot(const PilotTarget& target, const ChainRun& run, int leapfrogs, double target_acceptance,
        std::uint64_t seed)
      : run_(run),
        target_acceptance_(target_acceptance),
        streams_(seed, target.dim()),
        chains_(target, leapfrogs, streams_.start(target, run), run.preconditioner) {}

  PilotResult operator()() {
    constexpr int half = pilot_steps / 2;
    PooledVariance variance;
    adapt(0, half, [&](int step) {
      if (step >= half / 2) variance.add(chains_.states());
    });
    Eigen::MatrixXd L = run_.preconditioner;
    if (L.size() == 0) {
      L = shrunk_variances(variance.variances(), variance.count()).cwiseSqrt().unaryExpr(&in_six_digits);
    }
    chains_.precondition(L);
    return {.eps = adapt(half, pilot_steps, [](int) {}), .preconditioner = L};
  }

 private:
  /// Runs steps first ... end - 1 with steps that adapt. @returns eps of each chain
  template <class AfterStep>
  VectorXd adapt(int first, int end, AfterStep after_step) {
    const Points z = streams_.search_velocities();
    VectorXd eps =
        crossing_steps(num_chains, [&](const VectorXd& tried) { return chains_.acceptance(tried, z); });
    std::vector<DualAveraging> averages;
    for (const double initial : eps) averages.emplace_back(initial, target_acceptance_);
    for (int step = first; step < end; ++step) {
      for (Index c = 0; c < num_chains; ++c) eps(c) = exp(averages[static_cast<std::size_t>(c)].log_step());
      const VectorXd found = chains_.advance(eps, streams_.velocities(step), streams_.log_uniforms(step));
      for (Index c = 0; c < num_chains; ++c) averages[static_cast<std::size_t>(c)].add(found(c));
      after_step(step);
    }
    for (Index c = 0; c < num_chains; ++c) eps(c) = exp(averages[static_cast<std::size_t>(c)].log_average());
    return eps;
  }

  const ChainRun& run_;
  double target_acceptance_;
  PilotStreams streams_;
  PilotChains chains_;
};

std::vector<std::string> doubts(const VectorXd& eps) {
  if (eps.maxCoeff() <= one_step_fits * eps.minCoeff()) return {};
  return {concat("the steps that fit the chains of the pilot run range from ", eps.minCoeff(), " to ",
                 eps.maxCoeff(), " in time: no single step fits the target")};
}

Tuned tuned_for(const PilotTarget& target, const McmcSampler& sampler, std::uint64_t seed) {
  Tuned result{sampler, {}};
  std::visit(
      [&]<class Method>(Method& method) {
        if (method.step || mcmc::adapts_in_chains(method)) return;
        mcmc::check_parameters(method);
        mcmc::check_preconditioner(method.run.preconditioner, target.dim());
        mcmc::check_start_mean(method.run.start_mean, target.dim());
        double acceptance = 0.0;
        int leapfrogs = 1;
        if constexpr (std::is_same_v<Method, Hmc>) leapfrogs = method.leapfrogs;
        if constexpr (std::is_same_v<Method, Obabo>) {
          if (method.metropolis) acceptance = target_acceptance(method);
        } else if constexpr (mcmc::CanAdapt<Method>) {
          acceptance = target_acceptance(method);
        }
        require(acceptance > 0.0, method.name,
                ": step is missing; only methods that accept and reject find one");
        const PilotResult found = Pilot(target, method.run, leapfrogs, acceptance, seed)();
        result.warnings = doubts(found.eps);
        method.run.preconditioner = found.preconditioner;
        if constexpr (std::is_same_v<Method, Mala>) {
          method.step = in_six_digits(median_of(found.eps.cwiseAbs2()) / method.speed);
        } else {
          method.step = in_six_digits(median_of(found.eps));
        }
      },
      result.sampler);
  return result;
}

}  // namespace

Tuned tuned(const Mixture& target, const McmcSampler& sampler, std::uint64_t seed) {
  if (const auto* myula = std::get_if<Myula>(&sampler)) return {mcmc::with_defaults(*myula, nullptr), {}};
  mcmc::check_target(target);
  return tuned_for(*pilot_target(target), sampler, seed);
}

Tuned tuned(const Target& target, const McmcSampler& sampler, std::uint64_t seed) {
  if (const auto* myula = std::get_if<Myula>(&sampler)) return {mcmc::with_defaults(*myula, &target), {}};
  return tuned_for(*pilot_target(target), sampler, seed);
}

namespace {

Plan with_warnings(Plan plan, const Tuned& tuned) {
  plan.warnings.insert(plan.warnings.end(), tuned.warnings.begin(), tuned.warnings.end());
  return plan;
}

}  // namespace

Plan mcmc_plan(const Mixture& target, const Tuned& tuned) {
  return with_warnings(mcmc_plan(target, tuned.sampler), tuned);
}

Plan mcmc_plan(const Target& target, const Tuned& tuned) {
  return with_warnings(mcmc_plan(target, tuned.sampler), tuned);
}

}  // namespace gmdiff
