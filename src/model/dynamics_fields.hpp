#pragma once

#include <variant>

#include <gmdiff/model/dynamics.hpp>
#include <gmdiff/model/mixture.hpp>
#include <gmdiff/model/vector_field.hpp>

namespace gmdiff {

/// Drift and noise, after their texts have been read.
struct DynamicsFields {
  VectorField drift;
  std::variant<double, VectorField> noise;  ///< a number for all coordinates, or a field

  /// The number, or null.
  const double* number() const { return std::get_if<double>(&noise); }
  /// The field, or null.
  const VectorField* field() const { return std::get_if<VectorField>(&noise); }
  bool is_additive() const { return number() != nullptr || !field()->depends_on_position(); }
};

/// Checks times and numbers of steps. @throws std::invalid_argument for those out of range.
void check_times(const Dynamics& dynamics);

/// Reads the texts of dynamics.
/// @throws std::invalid_argument for texts that are no expressions, a wrong number of them, a number out of
///   range, and a scheme that does not support the noise. `exact` is checked by the plan.
DynamicsFields fields_of(const Dynamics& dynamics);

/// Law of the start: the mixture, or a Gaussian, of variance 0 for a point.
/// @throws std::invalid_argument for another dimension than `dim`, and for a number out of range.
Mixture start_of(const Dynamics& dynamics, int dim);

}  // namespace gmdiff
