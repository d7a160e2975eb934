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
  /// D of the rows to `denoised`, or with cotangents v the rows J^T v.
  virtual void evaluate(const Points& x, Level level, const Points* v, Points& to) const = 0;

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

  void evaluate(const Points& x, Level level, const Points* v, Points& to) const override {
    const FloatingPointEnvironment environment;
    check(x, "x");
    to.resize(x.rows(), dim());
    if (x.rows() == 0) return;
    const Preconditioning of = precondition(settings_.parametrisation, scale_, settings_.ladder, level);
    Sweep<Real> sweep(weights_, denoiser_frequencies(settings_.hidden), std::numeric_limits<Real>::infinity(),
                      pool_);
    sweep.tabulate({of.time}, phases_);
    sweep.run(std::vector<int>(static_cast<std::size_t>(x.rows()), 0), bodies(x, level.alpha, of, v, to),
              nullptr);
  }

 private:
  using Block = StateBlock<Real>;

  typename Sweep<Real>::Bodies bodies(const Points& x, double alpha, const Preconditioning& of,
                                      const Points* v, Points& to) const {
    typename Sweep<Real>::Bodies bodies;
    bodies.fill = [this, &x, alpha, &of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          block.input(r)[j] = static_cast<Real>(of.in * (x(first + r, j) - alpha * mean_(j)));
      }
    };
    if (v == nullptr) {
      bodies.take = [this, &x, alpha, &of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
        for (Eigen::Index r = 0; r < rows; ++r) {
          for (Eigen::Index j = 0; j < dim(); ++j)
            to(first + r, j) = mean_(j) + of.skip * (x(first + r, j) - alpha * mean_(j)) +
                               of.out * static_cast<double>(block.output(r)[j]);
        }
      };
      return bodies;
    }
    bodies.take = [this, &of, v](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          block.cotangent(r)[j] = static_cast<Real>(of.out * (*v)(first + r, j));
      }
    };
    // J^T v = skip v + in J_F^T (out v)
    bodies.take_input_gradient = [this, &of, v, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for (Eigen::Index r = 0; r < rows; ++r) {
        for (Eigen::Index j = 0; j < dim(); ++j)
          to(first + r, j) =
              of.skip * (*v)(first + r, j) + of.in * static_cast<double>(block.input_cotangent(r)[j]);
      }
    };
    return bodies;
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
  evaluator_->evaluate(x, level, nullptr, denoised);
  return denoised;
}

Points LearnedDenoiser::transposed_jvp(const Points& x, const Points& v, Level level) const {
  require(v.rows() == x.rows() && v.cols() == x.cols(), "learned denoiser: v must have the shape of x, (",
          x.rows(), ", ", x.cols(), "), got (", v.rows(), ", ", v.cols(), ")");
  Points product;
  evaluator_->evaluate(x, level, &v, product);
  return product;
}

HostDenoiser LearnedDenoiser::denoiser() const {
  return {.id = evaluator_->id(),
          .function = [evaluator = evaluator_](const Points& x, Level level, Points& denoised) {
            evaluator->evaluate(x, level, nullptr, denoised);
          },
          .transposed_jvp =
              [evaluator = evaluator_](const Points& x, const Points& v, Level level, Points& product) {
                evaluator->evaluate(x, level, &v, product);
              }};
}

}  // namespace gmdiff
