#include "plan/hash.hpp"

namespace gmdiff {
namespace {

void add(Hash& hash, const AffineStep& step) {
  hash.add_size(step.evaluations);
  for (const double value :
       {step.c_x, step.c_n, step.p_x, step.p_1, step.a, step.b_1, step.b_2, step.b_p, step.e})
    hash.add(value);
  hash.add(step.level1);
  hash.add(step.level2);
}

void add(Hash& hash, const MixtureTransition& step) {
  hash.add(step.t);
  hash.add(step.s);
  hash.add(step.alpha_ts);
  hash.add(step.sigma_ts);
}

}  // namespace

void add(Hash& hash, const Step& step) {
  hash.add_size(step.index());
  std::visit([&](const auto& alternative) { add(hash, alternative); }, step);
}

void add(Hash& hash, const MixtureTable& table) {
  hash.add_size(table.structure);
  hash.add(table.log_weights);
  for (const std::uint64_t threshold : table.thresholds) hash.add(threshold);
  hash.add(table.means);
  hash.add(table.eigenvalues);
  hash.add_size(table.bases.size());
  for (const Eigen::MatrixXd& basis : table.bases) hash.add(basis);
  hash.add_size(table.covariances.size());
  for (const Eigen::MatrixXd& covariance : table.covariances) hash.add(covariance);
}

}  // namespace gmdiff
