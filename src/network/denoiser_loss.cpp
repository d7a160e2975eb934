#include "network/denoiser_loss.hpp"

#include <limits>

#include "network/parametrisation.hpp"

namespace gmdiff::network {

template <class Real>
DenoiserLoss<Real>::DenoiserLoss(const DenoiserTraining& training, ThreadPool& pool, cpu::InstructionSet set)
    : training_(training),
      weights_(training.shape()),
      sweep_(weights_, denoiser_frequencies(training.settings.hidden), std::numeric_limits<Real>::infinity(),
             pool, set) {}

template <class Real>
void DenoiserLoss<Real>::draw_rows(const LossBatch& batch, Eigen::Index first, Eigen::Index rows,
                                   StateBlock<Real>& block) {
  const Eigen::Index d = training_.mean.size();
  std::vector<double> eps(static_cast<std::size_t>(d));
  for (Eigen::Index r = 0; r < rows; ++r) {
    const Eigen::Index i = first + r;
    const LevelFactors& of =
        factors_[static_cast<std::size_t>(batch.level_of_row[static_cast<std::size_t>(i)])];
    double* x_0 = x_0_.row(i).data();
    double* shifted = shifted_.row(i).data();
    batch.draw(i, x_0, eps.data());
    for (Eigen::Index j = 0; j < d; ++j) {
      shifted[j] = x_0[j] - training_.mean(j) + of.n * eps[static_cast<std::size_t>(j)];
      block.input(r)[j] = static_cast<Real>(of.in * shifted[j]);
    }
  }
}

template <class Real>
double DenoiserLoss<Real>::take_rows(const LossBatch& batch, Eigen::Index first, Eigen::Index rows,
                                     StateBlock<Real>& block, Points* denoised) const {
  const double count = static_cast<double>(batch.level_of_row.size());
  double loss = 0.0;
  for (Eigen::Index r = 0; r < rows; ++r) {
    const Eigen::Index i = first + r;
    const LevelFactors& of =
        factors_[static_cast<std::size_t>(batch.level_of_row[static_cast<std::size_t>(i)])];
    for (Eigen::Index j = 0; j < training_.mean.size(); ++j) {
      const double D =
          training_.mean(j) + of.skip * shifted_(i, j) + of.out * static_cast<double>(block.output(r)[j]);
      const double error = D - x_0_(i, j);
      if (denoised != nullptr) (*denoised)(i, j) = D;
      loss += of.weight * (error * error);
      block.cotangent(r)[j] = static_cast<Real>(2.0 / count * of.weight * of.out * error);
    }
  }
  return loss;
}

template <class Real>
double DenoiserLoss<Real>::operator()(const LossBatch& batch, const Eigen::VectorXd& parameters,
                                      Eigen::VectorXd& gradient, Points* denoised) {
  const DenoiserSettings& settings = training_.settings;
  const Eigen::Index rows = std::ssize(batch.level_of_row), d = training_.mean.size();
  std::vector<double> times;
  times.reserve(batch.levels.size());
  factors_.clear();
  for (const double n : batch.levels) {
    const Preconditioning of =
        precondition(settings.parametrisation, training_.scale, settings.ladder, {1.0, n});
    const double weight = loss_weight(settings.weight.value_or(settings.parametrisation), training_.scale, n);
    factors_.push_back({n, of.in, of.skip, of.out, weight});
    times.push_back(of.time);
  }
  x_0_.resize(rows, d);
  shifted_.resize(rows, d);
  if (denoised != nullptr) denoised->resize(rows, d);
  weights_.assign(parameters);
  sweep_.tabulate(times, parameters.head(settings.hidden));  // the phases are the first parameters
  std::vector<double> losses(static_cast<std::size_t>((rows + block_rows - 1) / block_rows));
  sweep_.run(batch.level_of_row,
             {.fill = [&](Eigen::Index first, Eigen::Index count,
                          StateBlock<Real>& block) { draw_rows(batch, first, count, block); },
              .take =
                  [&](Eigen::Index first, Eigen::Index count, StateBlock<Real>& block) {
                    losses[static_cast<std::size_t>(first / block_rows)] =
                        take_rows(batch, first, count, block, denoised);
                  },
              .take_input_gradient = {}},
             &gradient);
  double loss = 0.0;
  for (const double of_block : losses) loss += of_block;
  return loss / static_cast<double>(rows);
}

template class DenoiserLoss<float>;
template class DenoiserLoss<double>;

}  // namespace gmdiff::network
