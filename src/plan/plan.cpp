#include <gmdiff/plan.hpp>

#include <bit>
#include <iomanip>
#include <ostream>

namespace gmdiff {

namespace {

/// FNV-1a over 64 bits, fed with whole words (http://www.isthe.com/chongo/tech/comp/fnv).
class Hash {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      state_ = (state_ ^ ((word >> shift) & 0xff)) * 0x100000001b3ULL;
    }
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add_size(auto size) { add(static_cast<std::uint64_t>(size)); }
  void add(const Level& level) {
    add(level.alpha);
    add(level.sigma);
  }
  template <class Derived>
  void add(const Eigen::DenseBase<Derived>& array) {
    add_size(array.rows());
    add_size(array.cols());
    for (Eigen::Index i = 0; i < array.rows(); ++i) {
      for (Eigen::Index j = 0; j < array.cols(); ++j) add(array(i, j));
    }
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add(Hash& hash, const AffineStep& step) {
  hash.add_size(step.evaluations);
  for (const double value : {step.c_x, step.c_n, step.p_x, step.p_1, step.a, step.b_1, step.b_2, step.b_p, step.e}) hash.add(value);
  hash.add(step.level1);
  hash.add(step.level2);
}

void add(Hash& hash, const MixtureTransition& step) {
  hash.add(step.t);
  hash.add(step.s);
  hash.add(step.alpha_ts);
  hash.add(step.sigma_ts);
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

std::ostream& operator<<(std::ostream& out, const Level& level) { return out << '(' << level.alpha << ", " << level.sigma << ')'; }

std::ostream& operator<<(std::ostream& out, const AffineStep& step) {
  out << "affine";
  if (step.c_n != 0.0 || step.c_x != 1.0) out << "  churn " << step.c_x << ' ' << step.c_n;
  if (step.evaluations >= 1) out << "  D1 at " << step.level1;
  if (step.evaluations == 2) out << "  u " << step.p_x << ' ' << step.p_1 << "  D2 at " << step.level2;
  return out << "  a " << step.a << "  b " << step.b_1 << ' ' << step.b_2 << ' ' << step.b_p << "  e " << step.e;
}

std::ostream& operator<<(std::ostream& out, const MixtureTransition& step) {
  return out << "mixture transition  " << step.t << " -> " << step.s << "  alpha_ts " << step.alpha_ts << "  sigma_ts " << step.sigma_ts;
}

const char* to_string(PlanKind kind) { return kind == PlanKind::sample ? "sample" : kind == PlanKind::forward ? "forward" : "draw"; }

}  // namespace

std::uint64_t Plan::hash() const {
  Hash hash;
  hash.add_size(kind);
  hash.add_size(start.law);
  hash.add(start.level);
  hash.add_size(steps.size());
  for (const Step& step : steps) {
    hash.add_size(step.index());
    std::visit([&](const auto& alternative) { add(hash, alternative); }, step);
  }
  for (const double time : times) hash.add(time);
  hash.add_size(problems.size());
  for (const MixtureTable& problem : problems) add(hash, problem);
  return hash.value();
}

std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  const MixtureTable& table = plan.problems.front();
  out << "plan " << to_string(plan.kind) << ", hash " << std::hex << std::setw(16) << std::setfill('0') << plan.hash() << std::dec
      << std::setfill(' ') << "\nproblems " << plan.problems.size() << ", K " << table.num_components() << ", d " << table.dim()
      << ", covariance " << gmdiff::to_string(table.structure) << "\nstart " << (plan.start.law == Start::exact ? "exact" : "gaussian")
      << " at " << plan.start.level << '\n';
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    out << "step " << s << "  ";
    std::visit([&](const auto& step) { out << step << '\n'; }, plan.steps[s]);
  }
  return out;
}

}  // namespace gmdiff
