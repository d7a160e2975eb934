#include <gmdiff/model/target.hpp>

#include <utility>

#include "base/check.hpp"
#include "base/user_function.hpp"
#include "model/expression/evaluate.hpp"
#include "model/target/compiled.hpp"
#include "model/target/formulas.hpp"
#include "model/target/regularised.hpp"

namespace gmdiff {
namespace {

void check_points(const Points& x, Eigen::Index dim, const char* what) {
  require(x.cols() == dim, "Target: ", what, " have dimension ", x.cols(), ", expected ", dim);
}

/// Calls f with the description if its formulas are in formulas.hpp.
template <class F>
auto with_formula(const TargetDescription& description, F f) {
  using Result = decltype(f(SinGaussian{}));
  return std::visit(
      [&]<class T>(const T& target) -> Result {
        if constexpr (std::is_same_v<T, ExpressionTarget> || std::is_same_v<T, ObservedMixture> ||
                      std::is_same_v<T, Regularised> || std::is_same_v<T, CustomTarget> ||
                      targets::is_compiled<T>) {
          fail("Target: ", target.name, " has no formula");
        } else {
          return f(target);
        }
      },
      description);
}

}  // namespace

const char* name_of(const TargetDescription& description) {
  return std::visit([](const auto& target) { return target.name; }, description);
}

Target::Target(TargetDescription description) : description_(std::move(description)) {
  std::visit(
      [this]<class T>(const T& target) {
        if constexpr (std::is_same_v<T, ExpressionTarget>) {
          expression_.emplace(target.density,
                              ExpressionVariables{.dim = target.dim, .parameters = target.parameters});
        } else {
          targets::check(target);
        }
        if constexpr (std::is_same_v<T, Regularised>) {
          tapes_ = std::make_shared<const expressions::Tapes>(
              targets::compile(target, targets::GradientOf::log_density));
        }
        if constexpr (targets::is_compiled<T>)
          tapes_ = std::make_shared<const expressions::Tapes>(targets::compile(target));
        if constexpr (std::is_same_v<T, CustomTarget>) turns_ = std::make_shared<Turns>(target.concurrent);
        dim_ = targets::dim_of(target);
      },
      description_);
}

const NonlinearObservation* Target::observation() const {
  if (const ObservedMixture* of = observed()) return &of->observation;
  const Regularised* const of = regularised();
  return of == nullptr ? nullptr : &of->observation;
}

bool Target::calls_functions() const {
  const NonlinearObservation* const of = observation();
  return custom() != nullptr || (of != nullptr && of->custom() != nullptr);
}

bool Target::has_exact_hessian() const {
  const NonlinearObservation* const of = observation();
  return of == nullptr || of->has_exact_hessian();
}

Target Target::with_likelihood_gradient() const {
  const Regularised* const of = regularised();
  require(of != nullptr, "Target: expected a ", Regularised::name, " target, given ", name_of(description_));
  Target result = *this;
  result.tapes_ =
      std::make_shared<const expressions::Tapes>(targets::compile(*of, targets::GradientOf::log_likelihood));
  return result;
}

const expressions::Tapes* Target::tapes() const {
  if (calls_functions()) return nullptr;
  if (expression_) return &expression_->tapes();
  if (tapes_) return tapes_.get();
  const ObservedMixture* const of = observed();
  return of == nullptr ? nullptr : &of->observation.likelihood();
}

double Target::log_constant() const {
  if (const NonlinearObservation* const of = observation()) return of->log_constant();
  return std::visit(
      []<class T>(const T& target) {
        if constexpr (targets::is_compiled<T>) return targets::log_constant(target);
        return 0.0;
      },
      description_);
}

void Target::evaluate(const Points& x, Eigen::VectorXd& l, Points& gradient) const {
  check_points(x, dim_, "points");
  const CustomTarget* const target = custom();
  if (target == nullptr && calls_functions()) {
    observation()->evaluate(x, l, gradient);
    if (const ObservedMixture* of = observed()) {
      l += of->prior.log_pdf(x);
      gradient += of->prior.score(x);
    } else {
      l += expressions::outputs_at(tapes_->value, x, nullptr, 0, 1).col(0);
      gradient += expressions::outputs_at(tapes_->value_and_gradient, x, nullptr, 1, dim_);
    }
    return;
  }
  if (target == nullptr) {
    l = log_density(x);
    gradient = this->gradient(x);
    return;
  }
  require(target->evaluate != nullptr, "custom target \"", target->id,
          "\": works in the memory of a GPU, so the plan needs the device cuda");
  l = unwritten_rows(x.rows(), 1).col(0);
  gradient = unwritten_rows(x.rows(), x.cols());
  const auto turn = turns_->take();
  target->evaluate(x.rows(), x.data(), l.data(), gradient.data());
}

Eigen::VectorXd Target::log_density(const Points& x) const {
  check_points(x, dim_, "points");
  if (expression_) return expression_->value(x);
  if (const ObservedMixture* of = observed()) return of->prior.log_pdf(x) + of->observation.log_likelihood(x);
  if (tapes_) {
    const Eigen::VectorXd l = expressions::outputs_at(tapes_->value, x, nullptr, 0, 1).col(0);
    if (calls_functions()) return l + observation()->log_likelihood(x);
    return l.array() + log_constant();
  }
  if (custom() != nullptr) {
    Eigen::VectorXd l;
    Points gradient;
    evaluate(x, l, gradient);
    return l;
  }
  Eigen::VectorXd l(x.rows()), g;
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    const Eigen::VectorXd row = x.row(n).transpose();
    l(n) = with_formula(description_, [&](const auto& target) { return targets::evaluate(target, row, g); });
  }
  return l;
}

Points Target::gradient(const Points& x) const {
  check_points(x, dim_, "points");
  if (expression_) return expression_->gradient(x);
  if (const ObservedMixture* of = observed()) return of->prior.score(x) + of->observation.gradient(x);
  if (tapes_) {
    Points g = expressions::outputs_at(tapes_->value_and_gradient, x, nullptr, 1, dim_);
    if (calls_functions()) g += observation()->gradient(x);
    return g;
  }
  if (custom() != nullptr) {
    Eigen::VectorXd l;
    Points gradient;
    evaluate(x, l, gradient);
    return gradient;
  }
  Points gradients(x.rows(), dim_);
  Eigen::VectorXd g;
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    const Eigen::VectorXd row = x.row(n).transpose();
    with_formula(description_, [&](const auto& target) { return targets::evaluate(target, row, g); });
    gradients.row(n) = g.transpose();
  }
  return gradients;
}

Points Target::hessian_vp(const Points& x, const Points& v) const {
  check_points(x, dim_, "points");
  check_points(v, dim_, "vectors");
  require(x.rows() == v.rows(), "Target: ", x.rows(), " points but ", v.rows(), " vectors");
  if (expression_) return expression_->hessian_vp(x, v);
  if (const ObservedMixture* of = observed())
    return of->prior.hessian_vp(x, v) + of->observation.hessian_vp(x, v);
  if (tapes_) {
    Points product = expressions::outputs_at(tapes_->hessian_vp, x, &v, 0, dim_);
    if (calls_functions()) product += observation()->hessian_vp(x, v);
    return product;
  }
  Points products = unwritten_rows(x.rows(), dim_);
  if (const CustomTarget* target = custom()) {
    require(target->hessian_vp != nullptr, "custom target \"", target->id,
            "\": has no products with the Hessian (hessian_vp)");
    const auto turn = turns_->take();
    target->hessian_vp(x.rows(), x.data(), v.data(), products.data());
    return products;
  }
  for (Eigen::Index n = 0; n < x.rows(); ++n) {
    const Eigen::VectorXd row = x.row(n).transpose(), vector = v.row(n).transpose();
    products.row(n) = with_formula(description_, [&](const auto& target) {
                        return targets::hessian_vp(target, row, vector);
                      }).transpose();
  }
  return products;
}

bool Target::has_draws() const {
  return std::visit([]<class T>(const T&) { return targets::has_draws<T>; }, description_);
}

Points Target::draws(std::int64_t count, std::uint64_t seed, std::int64_t first,
                     std::uint32_t replicate) const {
  require(has_draws(), name_of(description_), ": this target has no exact draws");
  require(count >= 1 && first >= 0, "Target: draws ", first, " to ", first, " + ", count,
          " are no range of draws");
  Points x(count, dim_);
  for (Eigen::Index n = 0; n < count; ++n) {
    targets::DrawStreams streams(seed, static_cast<std::uint64_t>(first + n), replicate);
    std::visit(
        [&]<class T>(const T& target) {
          if constexpr (targets::has_draws<T>) targets::draw(target, streams, x.row(n));
        },
        description_);
  }
  return x;
}

std::optional<double> Target::log_normalizer() const {
  return std::visit([](const auto& target) { return targets::log_normalizer(target); }, description_);
}

std::optional<CoordinateMoments> Target::moments() const {
  return std::visit([](const auto& target) { return targets::moments(target); }, description_);
}

}  // namespace gmdiff
