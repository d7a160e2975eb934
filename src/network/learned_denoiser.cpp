#include <gmdiff/network/learned_denoiser.hpp>

#include <bit>
#include <limits>
#include <sstream>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "network/check_training.hpp"
#include "network/parametrisation.hpp"
#include "network/sweep.hpp"

namespace gmdiff {

namespace {

using namespace network;

/// FNV-1a over the bytes of the numbers (http://www.isthe.com/chongo/tech/comp/fnv).
class NumberHash {
 public:
  void add(double value) {
    const auto word = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8)
      state_ = (state_ ^ ((word >> shift) & 0xff)) * 0x100000001b3ULL;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

std::string identity(const DenoiserTraining& of) {
  NumberHash hash;
  hash.add(static_cast<double>(of.settings.parametrisation));
  hash.add(static_cast<double>(of.settings.precision));
  hash.add(static_cast<double>(of.settings.layers));
  hash.add(of.settings.ladder.n_min);
  hash.add(of.settings.ladder.n_max);
  hash.add(of.scale);
  for (const double value : of.mean) hash.add(value);
  for (const double value : of.averaged) hash.add(value);
  std::ostringstream out;
  out << "learned:" << std::hex << hash.value();
  return out.str();
}

}  // namespace

/// D and its products, in the precision of the training.
class LearnedDenoiser::Evaluator {
 public:
  Evaluator(const DenoiserTraining& training, int threads)
      : settings_(training.settings),
        mean_(training.mean),
        scale_(training.scale),
        phases_(training.averaged.head(training.settings.hidden)),
        id_(identity(training)),
        pool_(threads == 0 ? usable_processors() : threads) {}
  virtual ~Evaluator() = default;

  Eigen::Index dim() const { return mean_.size(); }
  const std::string& id() const { return id_; }
  /// D of each row of x, or the product J v or J^T v with that row of v. `v` is not read for D.
  enum class Result { value, jvp, transposed_jvp };
  virtual void evaluate(Result result, const Points& x, const Points& v, Level level, Points& to) const = 0;

 protected:
  void check(const Points& x, const char* name) const {
    require(x.cols() == dim(), "learned denoiser: ", name, " must have ", dim(), " columns, got ", x.cols());
  }

  DenoiserSettings settings_;
  Eigen::VectorXd mean_;
  double scale_;
  Eigen::VectorXd phases_;
  std::string id_;
  mutable ThreadPool pool_;
};

namespace {

template <class Real>
class EvaluatorOf final : public LearnedDenoiser::Evaluator {
 public:
  EvaluatorOf(const DenoiserTraining& training, int threads)
      : Evaluator(training, threads), weights_(training.shape()) {
    weights_.assign(training.averaged);
  }

  void evaluate(Result result, const Points& x, const Points& v, Level level, Points& to) const override {
    const FloatingPointEnvironment environment;
    check(x, "x");
    require(result == Result::value || (v.rows() == x.rows() && v.cols() == x.cols()),
            "learned denoiser: v must have the shape of x, (", x.rows(), ", ", x.cols(), "), got (", v.rows(),
            ", ", v.cols(), ")");
    to.resize(x.rows(), dim());
    if (x.rows() == 0) return;
    const Preconditioning of = precondition(settings_.parametrisation, scale_, settings_.ladder, level);
    Sweep<Real> sweep(weights_, denoiser_frequencies(settings_.hidden), std::numeric_limits<Real>::infinity(),
                      pool_);
    sweep.tabulate({of.time}, phases_);
    sweep.run(std::vector<int>(static_cast<std::size_t>(x.rows()), 0),
              bodies(result, x, v, level.alpha, of, to), nullptr);
  }

 private:
  using Block = StateBlock<Real>;
  using Bodies = typename Sweep<Real>::Bodies;

  Bodies bodies(Result result, const Points& x, const Points& v, double alpha, const Preconditioning& of,
                Points& to) const {
    Bodies bodies;
    bodies.fill = [this, &x, alpha, &of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          block.input(r)[j] = static_cast<Real>(of.in * (x(first + r, j) - alpha * mean_(j)));
      }
    };
    switch (result) {
      case Result::value:
        take_value(bodies, x, alpha, of, to);
        break;
      case Result::jvp:
        take_jvp(bodies, v, of, to);
        break;
      case Result::transposed_jvp:
        take_transposed_jvp(bodies, v, of, to);
        break;
    }
    return bodies;
  }

  void take_value(Bodies& bodies, const Points& x, double alpha, const Preconditioning& of,
                  Points& to) const {
    bodies.take = [this, &x, alpha, &of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          to(first + r, j) = mean_(j) + of.skip * (x(first + r, j) - alpha * mean_(j)) +
                             of.out * static_cast<double>(block.output(r)[j]);
      }
    };
  }

  /// J v = skip v + out J_F (in v)
  void take_jvp(Bodies& bodies, const Points& v, const Preconditioning& of, Points& to) const {
    bodies.take = [this, &v, &of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          block.tangent(r)[j] = static_cast<Real>(of.in * v(first + r, j));
      }
    };
    bodies.take_tangent = [this, &v, &of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          to(first + r, j) =
              of.skip * v(first + r, j) + of.out * static_cast<double>(block.output_tangent(r)[j]);
      }
    };
  }

  /// J^T v = skip v + in J_F^T (out v)
  void take_transposed_jvp(Bodies& bodies, const Points& v, const Preconditioning& of, Points& to) const {
    bodies.take = [this, &v, &of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          block.cotangent(r)[j] = static_cast<Real>(of.out * v(first + r, j));
      }
    };
    bodies.take_input_gradient = [this, &v, &of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          to(first + r, j) =
              of.skip * v(first + r, j) + of.in * static_cast<double>(block.input_cotangent(r)[j]);
      }
    };
  }

  Weights<Real> weights_;
};

std::shared_ptr<const LearnedDenoiser::Evaluator> make_evaluator(const DenoiserTraining& training,
                                                                 int threads) {
  check_training(training);
  require(threads >= 0 && threads <= 1024, "learned denoiser: threads must be in 0 ... 1024, got ", threads);
  switch (training.settings.precision) {
    case Precision::f32:
      return std::make_shared<EvaluatorOf<float>>(training, threads);
    case Precision::f64:
      return std::make_shared<EvaluatorOf<double>>(training, threads);
  }
  fail("learned denoiser: unknown precision");
}

}  // namespace

LearnedDenoiser::LearnedDenoiser(const DenoiserTraining& training, int threads)
    : evaluator_(make_evaluator(training, threads)) {}

Eigen::Index LearnedDenoiser::dim() const { return evaluator_->dim(); }

Points LearnedDenoiser::operator()(const Points& x, Level level) const {
  Points denoised;
  evaluator_->evaluate(Evaluator::Result::value, x, Points(), level, denoised);
  return denoised;
}

Points LearnedDenoiser::jvp(const Points& x, const Points& v, Level level) const {
  Points product;
  evaluator_->evaluate(Evaluator::Result::jvp, x, v, level, product);
  return product;
}

Points LearnedDenoiser::transposed_jvp(const Points& x, const Points& v, Level level) const {
  Points product;
  evaluator_->evaluate(Evaluator::Result::transposed_jvp, x, v, level, product);
  return product;
}

HostDenoiser LearnedDenoiser::denoiser() const {
  return {.id = evaluator_->id(),
          .function =
              [evaluator = evaluator_](const Points& x, Level level, Points& denoised) {
                evaluator->evaluate(Evaluator::Result::value, x, Points(), level, denoised);
              },
          .transposed_jvp =
              [evaluator = evaluator_](const Points& x, const Points& v, Level level, Points& product) {
                evaluator->evaluate(Evaluator::Result::transposed_jvp, x, v, level, product);
              }};
}

}  // namespace gmdiff
