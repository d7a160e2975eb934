#pragma once

#include <memory>
#include <optional>

#include "model/dynamics_fields.hpp"
#include "plan/path_stages.hpp"

// Drift and noise of dynamics as stages, of which the schemes write their steps (mathematics.md §16).

namespace gmdiff::schemes {

/// dX = mu(t, X) dt + S(t, X) dW.
class Equation {
 public:
  virtual ~Equation() = default;

  /// Whether the stages are the same in every step.
  virtual bool repeats() const = 0;
  /// Adds the stages that find mu(t_{s + offset}, from), and returns it as terms in `from`, `to` and
  /// `constant`.
  virtual ExtendedTerms drift(Stages& stages, long double offset, int from, int to) = 0;
  /// S(t_{s + offset}) where it is a number; it is one at every time or at none.
  virtual std::optional<long double> amplitude(const Stages& stages, long double offset) const = 0;
  /// The noise that depends on x, as a field, or null.
  virtual const VectorField* multiplicative_noise() const { return nullptr; }

  /// Prepares S(t_{s + offset}, x) in `room`, where S is no number.
  virtual void prepare_noise(Stages& /*stages*/, long double /*offset*/, int /*room*/) {}
  /// Adds to <- S v, with the `room` that `prepare_noise` has filled.
  virtual void multiply_by_noise(Stages& /*stages*/, int /*room*/, int /*v*/, int /*to*/) {}
  /// Adds normal <- sqrt(h) S' z with S'^2 = (S(t)^2 + S(t+h)^2) / 2, where S is no number.
  virtual void draw_mean_noise(Stages& /*stages*/, long double /*h*/) {}
};

/// The equation of texts, numbers and functions, whose fields become fields of the plan. The fields must
/// live as long as the equation.
std::unique_ptr<Equation> field_equation(Stages& stages, const DynamicsFields& fields);

/// The equation of dynamics by name. It adds matrices to the plan, and the stages of `first` to its prologue.
/// @throws std::invalid_argument, from `drift`, for a time at which the drift is not finite, and for a prior
///   without density where it is evaluated without noise.
std::unique_ptr<Equation> named_equation(Plan& plan, Stages& first, const NamedDynamics& dynamics);

}  // namespace gmdiff::schemes
