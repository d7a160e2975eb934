#include "device/pilot_target.hpp"

#include <cmath>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "device/executor.hpp"
#include "lowering/target_table.hpp"
#include "particle/normals.hpp"
#include "particle/target.hpp"
#include "plan/program.hpp"
#include "plan/tables.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;
using Eigen::VectorXd;
using Double = particle::One<double>;

class PilotMixture final : public PilotTarget {
 public:
  explicit PilotMixture(const Mixture& mixture)
      : mixture_(mixture),
        table_(mixture_tables(std::span(&mixture, 1)).front()),
        cpu_(make_executor(Device::cpu(1))) {}

  Index dim() const override { return table_.dim(); }
  void evaluate(const Points& x, VectorXd& l, Points& gradient) const override {
    l.resize(x.rows());
    gradient.resize(x.rows(), x.cols());
    cpu_->evaluate({.problem = table_,
                    .level = {},
                    .precision = Precision::f64,
                    .points = x.data(),
                    .count = x.rows(),
                    .log_density = l.data(),
                    .log_responsibilities = nullptr,
                    .score = gradient.data(),
                    .denoiser = nullptr,
                    .stop = {}});
  }
  Points draws(Index count, std::uint64_t seed, std::uint32_t replicate) const override {
    Points x(count, dim());
    for (Index c = 0; c < count; ++c) {
      const auto index = static_cast<std::uint64_t>(c);
      const StreamKey choice{seed, index, Purpose::start_component, replicate};
      particle::Normals<Double> z(particle::StreamOrigin{seed, Purpose::start_noise, replicate}, index);
      for (Index j = 0; j < dim(); ++j) x(c, j) = z(static_cast<std::uint64_t>(j)).v;
      x.row(c) = draw_of(uniform_u64(choice, 0), x.row(c));
    }
    return x;
  }

 private:
  Eigen::RowVectorXd draw_of(std::uint64_t U, Eigen::RowVectorXd z) const {
    const double u = std::ldexp(static_cast<double>(U), -64);
    Index k = 0;
    for (double sum = mixture_.weights()(0); sum <= u && k + 1 < mixture_.num_components();)
      sum += mixture_.weights()(++k);
    const Points& l = mixture_.eigenvalues();
    for (Index i = 0; i < z.size(); ++i) z(i) *= std::sqrt(l(l.rows() == 1 ? 0 : k, l.cols() == 1 ? 0 : i));
    const auto& bases = mixture_.bases();
    if (!bases.empty()) z = z * bases[bases.size() == 1 ? 0 : static_cast<std::size_t>(k)].transpose();
    return mixture_.means().row(k) + z;
  }

  const Mixture& mixture_;
  MixtureTable table_;
  std::unique_ptr<Executor> cpu_;
};

class PilotOther final : public PilotTarget {
 public:
  explicit PilotOther(const Target& target)
      : target_(target), table_(particle::target_table<double>(target, /*first_work=*/0, arena_)) {
    if (target_.observed() != nullptr) prior_ = pilot_target(target_.observed()->prior);
  }

  Index dim() const override { return target_.dim(); }
  void evaluate(const Points& x, VectorXd& l, Points& gradient) const override {
    l.resize(x.rows());
    gradient.setZero(x.rows(), x.cols());
    if (prior_ != nullptr) prior_->evaluate(x, l, gradient);
    std::vector<Double> from(static_cast<std::size_t>(dim())), g(from.size());
    std::vector<Double> work(static_cast<std::size_t>(num_work_vectors(target_) * dim()));
    const auto vectors = [&](int number) { return work.data() + number * dim(); };
    Alone team;
    for (Index n = 0; n < x.rows(); ++n) {
      for (Index j = 0; j < dim(); ++j) {
        from[static_cast<std::size_t>(j)] = Double(x(n, j));
        g[static_cast<std::size_t>(j)] = Double(gradient(n, j));
      }
      particle::TargetBody<Double, Alone, decltype(vectors)> body(team, table_, dim(), vectors, from.data(),
                                                                  g.data());
      l(n) = prior_ == nullptr ? body.evaluate().v : body.add_likelihood(Double(l(n))).v;
      for (Index j = 0; j < dim(); ++j) gradient(n, j) = g[static_cast<std::size_t>(j)].v;
    }
  }
  Points draws(Index count, std::uint64_t seed, std::uint32_t replicate) const override {
    return target_.draws(count, seed, 0, replicate);
  }

 private:
  /// A team of one worker.
  struct Alone {
    using Vector = Double*;
    template <class Body>
    void for_each_own(Index n, Body body) const {
      for (Index i = 0; i < n; ++i) body(i);
    }
    void sync() const {}
    static constexpr bool is_first() { return true; }
    static constexpr bool owns(Index /*row*/) { return true; }
  };

  Target target_;
  particle::Arena<double> arena_;
  particle::TargetTable<double> table_;
  std::unique_ptr<PilotTarget> prior_;  // of an observed mixture
};

/// A target that functions of the calling program compute.
class PilotCalled final : public PilotTarget {
 public:
  explicit PilotCalled(const Target& target) : target_(target) {}
  Index dim() const override { return target_.dim(); }
  void evaluate(const Points& x, VectorXd& l, Points& gradient) const override {
    target_.evaluate(x, l, gradient);
  }
  Points draws(Index count, std::uint64_t seed, std::uint32_t replicate) const override {
    return target_.draws(count, seed, 0, replicate);
  }

 private:
  Target target_;
};

}  // namespace

std::unique_ptr<PilotTarget> pilot_target(const Mixture& mixture) {
  return std::make_unique<PilotMixture>(mixture);
}
std::unique_ptr<PilotTarget> pilot_target(const Target& target) {
  if (target.calls_functions()) return std::make_unique<PilotCalled>(target);
  return std::make_unique<PilotOther>(target);
}

}  // namespace gmdiff
