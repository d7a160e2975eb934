#pragma once

#include <vector>

#include <gmdiff/network/trained_sampler.hpp>

#include "base/thread_pool.hpp"
#include "network/paths/path_unit.hpp"

namespace gmdiff::network {

/// Metropolis-adjusted Langevin chains on a target that share one step h, which follows their acceptance.
/// Their states are candidates for the means of components (mathematics.md §17.13). The bits do not depend on
/// the number of threads or on the instruction set.
class CandidateChains {
 public:
  /// Chains before their first move. @param settings and target must outlive the object.
  CandidateChains(const SamplerSettings& settings, const Target& target, ThreadPool& pool);
  /// Chains that continue from the states x with the step h.
  CandidateChains(const SamplerSettings& settings, const Target& target, ThreadPool& pool, Points x,
                  double h);

  /// Moves number first ... first + count - 1 of the run, which select the random numbers.
  void move(std::int64_t first, std::int64_t count);
  const Points& states() const { return x_; }
  double step() const { return h_; }
  const Eigen::VectorXd& log_density() const { return l_; }

 private:
  /// Without the density of the states.
  CandidateChains(double h, const SamplerSettings& settings, const Target& target, ThreadPool& pool,
                  Points x);
  void evaluate();
  void adapt_step();
  void move_block(std::int64_t move, Eigen::Index first);
  bool accepts(std::int64_t move, Eigen::Index chain, double log_ratio) const;
  std::vector<double> normals(std::uint64_t first_normal, Eigen::Index first_chain) const;

  const SamplerSettings& settings_;
  const Target& target_;
  ThreadPool& pool_;
  PathUnit unit_;
  Points x_;
  double h_;
  Eigen::VectorXd l_;         ///< log rho of the states
  Points gradient_;           ///< of log rho
  Eigen::VectorXd accepted_;  ///< probability of each chain's last move, or `no_acceptance`
};

}  // namespace gmdiff::network
