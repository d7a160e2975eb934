#pragma once

#include <functional>
#include <vector>

#include <gmdiff/network/training.hpp>

#include "network/sweep.hpp"

namespace gmdiff::network {

/// Rows of a batch: data and noise, and the level of each row.
struct LossBatch {
  std::vector<double> levels;     ///< n of the levels that occur
  std::vector<int> level_of_row;  ///< for each row its place in `levels`
  /// Writes x_0 and eps of a row, (d) each; called from several threads.
  std::function<void(Eigen::Index row, double* x_0, double* eps)> draw;
};

/// The loss mean_i lambda(n_i) |D(x_0 + n_i eps) - x_0|^2 of a batch and its gradient (mathematics.md §17.5).
template <class Real>
class DenoiserLoss {
 public:
  /// @param training its settings, mean and scale; must outlive this object.
  DenoiserLoss(const DenoiserTraining& training, ThreadPool& pool,
               cpu::InstructionSet set = cpu::chosen_instruction_set());

  /// @param gradient set to the gradient at `parameters`.
  /// @param denoised null, or set to D of the rows, shape (rows, d).
  double operator()(const LossBatch& batch, const Eigen::VectorXd& parameters, Eigen::VectorXd& gradient,
                    Points* denoised = nullptr);

 private:
  struct LevelFactors {
    double n, in, skip, out, weight;
  };
  void draw_rows(const LossBatch& batch, Eigen::Index first, Eigen::Index rows, StateBlock<Real>& block);
  double take_rows(const LossBatch& batch, Eigen::Index first, Eigen::Index rows, StateBlock<Real>& block,
                   Points* denoised) const;

  const DenoiserTraining& training_;
  Weights<Real> weights_;
  Sweep<Real> sweep_;
  std::vector<LevelFactors> factors_;
  Points x_0_, shifted_;  ///< shifted: x_t - m at alpha = 1
};

}  // namespace gmdiff::network
