#include <gmdiff/network/learned_denoiser.hpp>

#include <bit>
#include <limits>
#include <sstream>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/machine.hpp"
#include "device/denoiser_network.hpp"
#include "network/check_training.hpp"
#include "network/network_weights.hpp"
#include "network/parametrisation.hpp"
#include "network/sweep.hpp"
#include "particle/dense.hpp"

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
class LearnedDenoiser::Evaluator : public DenoiserNetwork {
 public:
  Evaluator(const DenoiserTraining& training, int threads)
      : settings_(training.settings),
        mean_(training.mean),
        scale_(training.scale),
        phases_(training.averaged.head(training.settings.hidden)),
        id_(identity(training)),
        pool_(threads == 0 ? usable_processors() : threads) {}

  Eigen::Index dim() const { return mean_.size(); }
  const Eigen::VectorXd& mean() const override { return mean_; }
  const std::string& id() const { return id_; }
  /// D of each row of x, or the product J v or J^T v with that row of v. `v` is not read for D.
  enum class Result { value, jvp, transposed_jvp };
  virtual void evaluate(Result result, const Points& x, const Points& v, Level level, Points& to) const = 0;
  void denoise(const Points& x, Level level, Points& denoised) const override {
    evaluate(Result::value, x, Points(), level, denoised);
  }
  void transposed_jvp(const Points& x, const Points& v, Level level, Points& product) const override {
    evaluate(Result::transposed_jvp, x, v, level, product);
  }

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
    Sweep<Real> sweep(weights_, denoiser_frequencies(settings_.hidden), bound, pool_);
    sweep.tabulate({of.time}, phases_);
    sweep.run(std::vector<int>(static_cast<std::size_t>(x.rows()), 0),
              bodies(result, x, v, factors(of, level), to), nullptr);
  }

  std::variant<NetworkWeights<float>, NetworkWeights<double>> weights() const override {
    return network_weights(weights_, bound);
  }

  NetworkLevel at(Level level) const override {
    const FloatingPointEnvironment environment;
    const Preconditioning of = precondition(settings_.parametrisation, scale_, settings_.ladder, level);
    TimeTable<Real> table(weights_, dense_unit<Real>(cpu::chosen_instruction_set()),
                          denoiser_frequencies(settings_.hidden), pool_);
    table.tabulate({of.time}, phases_);
    return {.factors = factors(of, level), .time = {table.rows(), table.rows() + weights_.layout().width}};
  }

 private:
  using Block = StateBlock<Real>;
  using Bodies = typename Sweep<Real>::Bodies;
  using Factors = particle::DenoiserFactors;

  static constexpr Real bound = std::numeric_limits<Real>::infinity();

  static Factors factors(const Preconditioning& of, Level level) {
    return {.alpha = level.alpha, .in = of.in, .skip = of.skip, .out = of.out};
  }

  Bodies bodies(Result result, const Points& x, const Points& v, const Factors& of, Points& to) const {
    Bodies bodies;
    bodies.fill = [this, &x, of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        block.input(r)[j] = static_cast<Real>(particle::network_input(of, mean_(j), x(first + r, j)));
      });
    };
    switch (result) {
      case Result::value:
        take_value(bodies, x, of, to);
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

  /// Calls body(r, j) for the coordinates j of rows r of a block.
  template <class Body>
  void for_each(Eigen::Index rows, Body body) const {
    for (Eigen::Index r = 0; r < rows; ++r) {
      for (Eigen::Index j = 0; j < dim(); ++j) body(r, j);
    }
  }

  void take_value(Bodies& bodies, const Points& x, const Factors& of, Points& to) const {
    bodies.take = [this, &x, of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        const double F = static_cast<double>(block.output(r)[j]);
        to(first + r, j) = particle::denoised(of, mean_(j), x(first + r, j), F);
      });
    };
  }

  /// J v = skip v + out J_F (in v)
  void take_jvp(Bodies& bodies, const Points& v, const Factors& of, Points& to) const {
    bodies.take = [this, &v, of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        block.tangent(r)[j] = static_cast<Real>(particle::scaled_direction(of.in, v(first + r, j)));
      });
    };
    bodies.take_tangent = [this, &v, of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        const double of_network = static_cast<double>(block.output_tangent(r)[j]);
        to(first + r, j) = particle::denoiser_product(of, v(first + r, j), of.out, of_network);
      });
    };
  }

  /// J^T v = skip v + in J_F^T (out v)
  void take_transposed_jvp(Bodies& bodies, const Points& v, const Factors& of, Points& to) const {
    bodies.take = [this, &v, of](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        block.cotangent(r)[j] = static_cast<Real>(particle::scaled_direction(of.out, v(first + r, j)));
      });
    };
    bodies.take_input_gradient = [this, &v, of, &to](Eigen::Index first, Eigen::Index rows, Block& block) {
      for_each(rows, [&](Eigen::Index r, Eigen::Index j) {
        const double of_network = static_cast<double>(block.input_cotangent(r)[j]);
        to(first + r, j) = particle::denoiser_product(of, v(first + r, j), of.in, of_network);
      });
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
          .function = NetworkFunction{evaluator_},
          .transposed_jvp = NetworkProduct{evaluator_}};
}

}  // namespace gmdiff
