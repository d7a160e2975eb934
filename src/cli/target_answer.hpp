#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gmdiff/model/target.hpp>

#include "cli/arguments.hpp"
#include "cli/output.hpp"

// Normaliser and moments of a target by one of the methods of the verb posterior.

namespace gmdiff::cli {

/// Flags that only a problem with a target or with an observation that has a map has.
struct TargetAnswerFlags {
  FlagText method, box, count, seed, starts, scale, proposal;
};

/// An array for a .npz file.
struct AnswerArray {
  std::string name;
  std::vector<std::int64_t> shape;
  Points values;  ///< row-major
};

inline AnswerArray vector_array(const std::string& name, const Eigen::VectorXd& values) {
  return {name, {values.size()}, values};
}

/// Normaliser and moments, as JSON, text and arrays.
struct TargetAnswer {
  Json json = {};
  std::string text = {};
  std::vector<AnswerArray> arrays = {};
  std::vector<std::string> warnings = {};
};

inline Eigen::VectorXd deviations(const Eigen::VectorXd& variances) {
  return variances.cwiseMax(0.0).cwiseSqrt();
}

/// A line of the text; `error` follows the value.
std::string log_normalizer_line(double value, const std::string& error);

TargetAnswer answer_by_quadrature(const Target& target, const TargetAnswerFlags& flags);
/// @throws std::invalid_argument if no maximum is found, also for the next ones.
TargetAnswer answer_by_importance(const Target& target, const TargetAnswerFlags& flags);
TargetAnswer answer_by_maxima(const Target& target, const TargetAnswerFlags& flags);
/// @throws std::invalid_argument also for a sparse prior without smoothing, as `answer_by_importance`.
TargetAnswer answer_by_laplace(const Target& target, const TargetAnswerFlags& flags);
TargetAnswer answer_by_gaussian(const Target& target, const TargetAnswerFlags& flags);

}  // namespace gmdiff::cli
