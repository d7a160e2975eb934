#include "device/reference/program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <gmdiff/device/samples.hpp>

#include "base/check.hpp"
#include "base/linear_algebra.hpp"
#include "device/reference/guidance.hpp"
#include "device/reference/steps.hpp"
#include "device/user_denoiser.hpp"
#include "plan/program.hpp"

namespace gmdiff::reference {
namespace {

Eigen::VectorXd solve(const Eigen::MatrixXd& Q, const Eigen::VectorXd& r) {
  const auto L = linear_algebra::cholesky(Q);
  if (!L) return Eigen::VectorXd::Constant(r.size(), std::nan(""));
  return linear_algebra::solve_lower_transposed(*L, linear_algebra::solve_lower(*L, r));
}

/// Three steps of conjugate gradients for Q u = r from u = 0.
Eigen::VectorXd conjugate_gradients(const Eigen::MatrixXd& Q, Eigen::VectorXd r) {
  Eigen::VectorXd u = Eigen::VectorXd::Zero(r.size());
  Eigen::VectorXd p = r;
  for (int step = 0; step < 3; ++step) {
    const double rr = r.squaredNorm();
    if (rr == 0.0) break;
    const Eigen::VectorXd Qp = Q * p;
    const double length = rr / p.dot(Qp);
    u += length * p;
    r -= length * Qp;
    p = r + r.squaredNorm() / rr * p;
  }
  return u;
}

/// u of Q u = r with Q = A C A^T + sigma_y^2 I. A custom denoiser may make Q indefinite; the pivots of its
/// Cholesky factor are then raised to sigma_y^2, below which those of a covariance do not fall.
Eigen::VectorXd solve_raised(Eigen::MatrixXd Q, double noise_variance, const Eigen::VectorXd& r) {
  const Eigen::Index m = r.size();
  for (Eigen::Index a = 0; a < m; ++a) {
    for (Eigen::Index b = 0; b <= a; ++b) {
      double sum = Q(a, b);
      for (Eigen::Index c = 0; c < b; ++c) sum -= Q(a, c) * Q(b, c);
      if (a == b && noise_variance > 0.0 && sum < noise_variance) sum = noise_variance;
      Q(a, b) = a == b ? std::sqrt(sum) : sum / Q(b, b);
    }
  }
  return linear_algebra::solve_lower_transposed(Q, linear_algebra::solve_lower(Q, r));
}

/// The weight w(r) of the residual (mathematics.md §10.2). @param projected A C A^T, where the weight reads it
Eigen::VectorXd weighted(const Guide& stage, const GuidanceTable& table, const Eigen::MatrixXd& projected,
                         const Residual& residual) {
  const auto& [A, r] = residual;
  const Eigen::Index m = r.size();
  const Eigen::MatrixXd noise = table.noise_variance * Eigen::MatrixXd::Identity(m, m);
  switch (stage.weight) {
    case ResidualWeight::moments:
      return stage.products > 0 ? solve_raised(projected + noise, table.noise_variance, r)
                                : solve(projected + noise, r);
    case ResidualWeight::row_sums: {
      const Eigen::VectorXd sums = projected.rowwise().sum();
      return r.array() / (sums.array().abs() + table.noise_variance);
    }
    case ResidualWeight::diffuse:
      return conjugate_gradients(projected / stage.level.sigma + noise, r);
    case ResidualWeight::isotropic:
      return solve(stage.variance * A * A.transpose() + noise, r);
    case ResidualWeight::norm: {
      const double norm = std::sqrt(r.squaredNorm() + table.unexplained);
      if (norm == 0.0) return Eigen::VectorXd::Zero(m);
      return r / (norm + stage.epsilon);
    }
    case ResidualWeight::unit:
      return Eigen::VectorXd::Unit(m, stage.row);
    case ResidualWeight::ones:
      return Eigen::VectorXd::Ones(m);
  }
  fail("reference: unknown weight of a residual");
}

}  // namespace

ProgramSteps::ProgramSteps(const Plan& plan, const Model& model, const GuidanceTable* guidance, Points& x,
                           StageNoise noise)
    : plan_(plan), model_(model), guidance_(guidance), x_(x), noise_(std::move(noise)) {
  others_.assign(static_cast<std::size_t>(first_work_vector(plan) - 1), Points::Zero(x.rows(), x.cols()));
  chains_.resize(static_cast<std::size_t>(x.rows()));
  if (accumulate_stage(plan) == nullptr) return;
  const Eigen::Index d = x.cols();
  moments_.assign(static_cast<std::size_t>(x.rows()),
                  {.n = 0.0,
                   .mean = Eigen::RowVectorXd::Zero(d),
                   .products = Eigen::MatrixXd::Zero(d, d),
                   .batch_sums = Eigen::MatrixXd::Zero(ChainMoments::batches, d)});
}

void ProgramSteps::advance(const Program& program, std::uint64_t step) {
  step_ = step;
  for (const Stage& stage : program.stages) {
    std::visit([this](const auto& alternative) { run(alternative); }, stage);
  }
}

bool ProgramSteps::lost(std::int64_t n) const { return std::isnan(x_(n, 0)); }

void ProgramSteps::run(const Evaluate& stage) {
  const Points& from = vector(stage.from);
  Points& to = vector(stage.to);
  if (stage.denoiser > 0) {
    const Denoiser& denoiser = plan_.denoisers[static_cast<std::size_t>(stage.denoiser - 1)];
    to = stage.cotangent > 0 ? transposed_jvp_rows(denoiser, from, vector(stage.cotangent), stage.level)
                             : evaluate_rows(denoiser, from, stage.level);
    return;
  }
  DiffusedMixture law(model_, stage.level);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (!lost(n)) law.denoiser(from.row(n).data(), to.row(n).data());
  }
}

void ProgramSteps::run(const Combine& stage) {
  Eigen::RowVectorXd sum(x_.cols());
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n) || (stage.threshold != 0 && noise_.trajectory(n) < stage.threshold)) continue;
    sum.setZero();
    for (const Term& term : stage.terms)
      sum += value(term.factor, term.of_step, n) * vector(term.vector).row(n);
    if (stage.noise != 0.0)
      sum += value(stage.noise, stage.noise_of_step, n) *
             in_data_coordinates(noise_.normals(n, stage)).transpose();
    vector(stage.to).row(n) = sum;
  }
}

void ProgramSteps::run(const Transition& stage) {
  const MixtureTransition transition{stage.t, stage.s, stage.alpha_ts, stage.sigma_ts};
  TransitionUpdate update(transition, model_);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    Eigen::RowVectorXd state = vector(stage.from).row(n);
    update.apply({state.data(), nullptr}, noise_.choice(n), noise_.normals(n, Combine{}));
    vector(stage.to).row(n) = state;
  }
}

void ProgramSteps::run(const EvaluateTarget& stage) {
  if (plan_.target) return evaluate(*plan_.target, stage);
  DiffusedMixture law(model_, Level{}, /*needs_density=*/true);
  Eigen::VectorXd log_r(model_.num_components());
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    const double* x = vector(stage.from).row(n).data();
    ChainState& chain = chains_[static_cast<std::size_t>(n)];
    (stage.is_proposal ? chain.proposed : chain.log_density) = law.log_responsibilities(x, log_r.data());
    law.score(x, vector(stage.to).row(n).data());
  }
}

void ProgramSteps::evaluate(const Target& target, const EvaluateTarget& stage) {
  Eigen::VectorXd l;
  Points g;
  target.evaluate(vector(stage.from), l, g);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    ChainState& chain = chains_[static_cast<std::size_t>(n)];
    (stage.is_proposal ? chain.proposed : chain.log_density) = l(n);
    vector(stage.to).row(n) = g.row(n);
  }
}

void ProgramSteps::run(const Product& stage) {
  const Eigen::MatrixXd& given = plan_.matrices[static_cast<std::size_t>(stage.matrix)];
  const Eigen::MatrixXd M = given.cols() == 1 ? Eigen::MatrixXd(given.col(0).asDiagonal()) : given;
  const Eigen::MatrixXd factor = stage.transposed ? Eigen::MatrixXd(M.transpose()) : M;
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (!lost(n)) vector(stage.to).row(n) = (factor * vector(stage.from).row(n).transpose()).transpose();
  }
}

double ProgramSteps::log_ratio(const Accept& stage, std::int64_t n) {
  const ChainState& chain = chains_[static_cast<std::size_t>(n)];
  const auto row = [&](int number) { return vector(number).row(n); };
  if (!std::isfinite(chain.proposed) || !row(stage.proposed_gradient).allFinite())
    return -std::numeric_limits<double>::infinity();
  const double difference = chain.proposed - chain.log_density;
  if (stage.ratio == Accept::Ratio::energy)
    return difference - 0.5 * (row(stage.after).squaredNorm() - row(stage.before).squaredNorm());
  const double factor = stage.of_step ? stage.factor * chain.step : stage.factor;
  const Eigen::RowVectorXd q = factor * (row(stage.gradient) + row(stage.proposed_gradient));
  return difference - q.dot(row(stage.before)) - 0.5 * q.squaredNorm();
}

void ProgramSteps::run(const Accept& stage) {
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    const double ratio = log_ratio(stage, n);
    ChainState& chain = chains_[static_cast<std::size_t>(n)];
    chain.log_ratio = ratio;
    if (step_ >= stage.counted_from) {
      if (!std::isnan(ratio)) chain.acceptance += std::min(1.0, std::exp(ratio));
      if (ratio == -std::numeric_limits<double>::infinity()) chain.non_finite += 1.0;
    }
    if (stage.moves == Accept::Moves::never) continue;
    if (stage.moves == Accept::Moves::always || noise_.log_uniform(n) < ratio) {
      vector(stage.to).row(n) = vector(stage.proposal).row(n);
      vector(stage.gradient).row(n) = vector(stage.proposed_gradient).row(n);
      chain.log_density = chain.proposed;
    } else if (stage.ratio == Accept::Ratio::energy) {
      vector(stage.after).row(n) = -vector(stage.before).row(n);
    }
  }
}

double ProgramSteps::value(double factor, StepFactor of_step, std::int64_t n) const {
  const double eps = chains_[static_cast<std::size_t>(n)].step;
  switch (of_step) {
    case StepFactor::none:
      return factor;
    case StepFactor::linear:
      return factor * eps;
    case StepFactor::square:
      return factor * eps * eps;
    case StepFactor::decay:
      return std::exp(-factor * eps);
    case StepFactor::spread:
      return std::sqrt(-std::expm1(-2.0 * factor * eps));
  }
  fail("reference: unknown factor of a step");
}

void ProgramSteps::run(const Adapt& stage) {
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    ChainState& chain = chains_[static_cast<std::size_t>(n)];
    const double probability = std::isnan(chain.log_ratio) ? 0.0 : std::min(1.0, std::exp(chain.log_ratio));
    switch (stage.rule) {
      case Adapt::Rule::begin:
        chain.step = 1.0;
        break;
      case Adapt::Rule::search:
        if (chain.trials++ == 0) {
          chain.was_above = probability > 0.5;
        } else if ((probability > 0.5) != chain.was_above) {
          chain.has_crossed = true;
        }
        if (!chain.has_crossed) chain.step *= chain.was_above ? 2.0 : 0.5;
        break;
      case Adapt::Rule::average:
        if (step_ == stage.first) chain.averaging.emplace(chain.step, stage.target);
        chain.averaging->add(probability);
        chain.step =
            std::exp(step_ == stage.last ? chain.averaging->log_average() : chain.averaging->log_step());
        break;
    }
  }
}

void ProgramSteps::run(const EvaluateField& stage) {
  const double t = plan_.field_times[static_cast<std::size_t>(stage.times)][static_cast<std::size_t>(step_)];
  const Points values = plan_.fields[static_cast<std::size_t>(stage.field)].value(vector(stage.from), t);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (!lost(n)) vector(stage.to).row(n) = values.row(n);
  }
}

void ProgramSteps::run(const Multiply& stage) {
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    const Eigen::RowVectorXd product = vector(stage.a).row(n).cwiseProduct(vector(stage.b).row(n));
    vector(stage.to).row(n) = product;
  }
}

void ProgramSteps::run(const Proximal& stage) {
  const bool is_identity = stage.map == ProximalMap::soft_threshold;
  const SparsePrior prior{.analysis = is_identity ? AnalysisOperator::identity : AnalysisOperator::gradient};
  const Points values = proximal_map(prior, vector(stage.from), stage.strength);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (!lost(n)) vector(stage.to).row(n) = values.row(n);
  }
}

void ProgramSteps::run(const Accumulate& stage) {
  if (step_ < stage.counted_from) return;
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (lost(n)) continue;
    StateMoments& moments = moments_[static_cast<std::size_t>(n)];
    moments.n += 1.0;
    const Eigen::RowVectorXd before = x_.row(n) - moments.mean;
    moments.mean += before / moments.n;
    moments.products += before.transpose() * (x_.row(n) - moments.mean);
    if (step_ < stage.batched_from) continue;
    moments.batch_sums.row(static_cast<Eigen::Index>((step_ - stage.batched_from) / stage.batch)) +=
        x_.row(n);
  }
}

void ProgramSteps::run(const Guide& stage) {
  DiffusedMixture law(model_, stage.level);
  for (std::int64_t n = 0; n < x_.rows(); ++n) {
    if (!lost(n)) vector(stage.to).row(n) = guide(stage, law, n).transpose();
  }
}

Eigen::VectorXd ProgramSteps::guide(const Guide& stage, DiffusedMixture& law, std::int64_t n) {
  const Eigen::VectorXd x = vector(stage.from).row(n).transpose();
  const Eigen::VectorXd D = vector(stage.denoised).row(n).transpose();
  const Residual residual = residual_at(*guidance_, D);
  if (stage.products > 0) return guide_by_products(stage, residual, n);
  // A custom denoiser has no law, and its guidance needs none.
  const bool has_covariance = reads_covariance(stage);
  const Eigen::MatrixXd C =
      has_covariance ? posterior_covariance(model_, law, stage.level.alpha, x.data(), D) : Eigen::MatrixXd();
  const Eigen::MatrixXd& A = residual.A;
  const Eigen::MatrixXd projected =
      has_covariance ? Eigen::MatrixXd(A * C * A.transpose()) : Eigen::MatrixXd();
  Eigen::VectorXd v = A.transpose() * weighted(stage, *guidance_, projected, residual);
  if (stage.directions > 0) v = averaged_directions(stage, n, v);
  return stage.has_covariance ? Eigen::VectorXd(C * v) : v;
}

Eigen::VectorXd ProgramSteps::guide_by_products(const Guide& stage, const Residual& residual,
                                                std::int64_t n) {
  const bool is_sum = stage.weight == ResidualWeight::row_sums;
  const Eigen::MatrixXd& A = residual.A;
  Eigen::MatrixXd products(A.cols(), is_sum ? 1 : A.rows());  // J^T A_a^T, or J^T A^T 1
  for (Eigen::Index a = 0; a < products.cols(); ++a)
    products.col(a) = vector(stage.products + static_cast<int>(a)).row(n).transpose();
  Eigen::MatrixXd projected = covariance_factor(stage.level) * A * products;
  if (is_sum) return A.transpose() * weighted(stage, *guidance_, projected, residual);
  projected = (0.5 * (projected + projected.transpose())).eval();
  return products * weighted(stage, *guidance_, projected, residual);
}

Eigen::VectorXd ProgramSteps::averaged_directions(const Guide& stage, std::int64_t n,
                                                  const Eigen::VectorXd& v) {
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(v.size());
  for (int q = 0; q < stage.directions; ++q) {
    const Eigen::VectorXd u = in_data_coordinates(noise_.direction(n, q));
    sum += u.dot(v) * u;
  }
  return sum / stage.directions;
}

Eigen::VectorXd ProgramSteps::in_data_coordinates(const double* z) const {
  Eigen::VectorXd value(model_.dim());
  from_basis(model_.common_basis(), z, value.data(), model_.dim());
  return value;
}

}  // namespace gmdiff::reference
