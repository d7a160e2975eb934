#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "device/reference/denoiser.hpp"
#include "device/reference/guidance.hpp"
#include "plan/dual_averaging.hpp"

// Runs the stages of a program on many particles, one stage after the other, straight from the formulas of
// mathematics.md §5 and §10. Guidance is computed from dense matrices.

namespace gmdiff::reference {

/// The random numbers of particle n at the current step, in the coordinates of the noise (numerics.md §2).
struct StageNoise {
  std::function<const double*(std::int64_t n, const Combine& stage)> normals;  ///< (d)
  /// uniform number in [0, 1) that chooses a transition's component
  std::function<double(std::int64_t n)> choice;
  std::function<const double*(std::int64_t n, int q)> direction;  ///< (d), direction q of a guidance stage
  /// logarithm of the uniform number in (0, 1) that accepts a proposal
  std::function<double(std::int64_t n)> log_uniform;
  std::function<std::uint64_t(std::int64_t n)> trajectory = {};  ///< 64-bit number of a trajectory's length
};

/// Numbers that a Markov chain carries beside its vectors.
struct ChainState {
  double log_density = 0.0, proposed = 0.0;
  double log_ratio = 0.0;  ///< of the last proposal
  double acceptance = 0.0, non_finite = 0.0;
  // of chains that adapt their steps (mathematics.md §12.3)
  double step = 1.0;       ///< eps
  bool was_above = false;  ///< whether the acceptance at eps = 1 was above 1/2
  int trials = 0;          ///< of the search
  bool has_crossed = false;
  std::optional<DualAveraging> averaging = {};
};

/// Moments of the counted states of a chain.
struct StateMoments {
  double n = 0.0;
  Eigen::RowVectorXd mean;
  Eigen::MatrixXd products;    ///< (d, d) sum of (x - mean)(x - mean)^T
  Eigen::MatrixXd batch_sums;  ///< (16, d)
};

class ProgramSteps {
 public:
  /// @param x states (count, d), vector 0 of the stages. @param guidance of the task's problem, or null.
  ProgramSteps(const Plan& plan, const Model& model, const GuidanceTable* guidance, Points& x,
               StageNoise noise);
  /// Runs all stages of step number `step`. A particle whose state is NaN is left unchanged.
  void advance(const Program& program, std::uint64_t step);
  const std::vector<ChainState>& chains() const { return chains_; }
  /// Empty for a plan without `Accumulate`.
  const std::vector<StateMoments>& moments() const { return moments_; }

  Points& vector(int number) { return number == 0 ? x_ : others_[static_cast<std::size_t>(number - 1)]; }

 private:
  void run(const Evaluate& stage);
  void run(const Combine& stage);
  void run(const Transition& stage);
  void run(const Guide& stage);
  void run(const EvaluateTarget& stage);
  void evaluate(const Target& target, const EvaluateTarget& stage);
  void run(const Product& stage);
  void run(const Accept& stage);
  void run(const EvaluateField& stage);
  void run(const Multiply& stage);
  void run(const Accumulate& stage);
  void run(const Proximal& stage);
  void run(const Adapt& stage);
  /// A factor of a stage, at the step of chain n.
  double value(double factor, StepFactor of_step, std::int64_t n) const;
  double log_ratio(const Accept& stage, std::int64_t n);
  Eigen::VectorXd guide(const Guide& stage, DiffusedMixture& law, std::int64_t n);
  /// The guidance of a custom denoiser, from its products J^T v (mathematics.md §10.5).
  Eigen::VectorXd guide_by_products(const Guide& stage, const Residual& residual, std::int64_t n);
  Eigen::VectorXd averaged_directions(const Guide& stage, std::int64_t n, const Eigen::VectorXd& v);
  /// A standard normal vector in the coordinates of the data.
  Eigen::VectorXd in_data_coordinates(const double* z) const;
  bool lost(std::int64_t n) const;

  const Plan& plan_;
  const Model& model_;
  const GuidanceTable* guidance_;
  Points& x_;
  StageNoise noise_;
  std::vector<Points> others_;
  std::vector<ChainState> chains_;
  std::vector<StateMoments> moments_;
  std::uint64_t step_ = 0;
};

}  // namespace gmdiff::reference
