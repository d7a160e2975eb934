#pragma once

#include <stdexcept>

#include <gmdiff/model/mixture.hpp>

#include "io/json_input.hpp"
#include "io/json_output.hpp"

// Mixtures of problem files.

namespace gmdiff::io {

/// Prefixes the errors of a model object's constructor with the place.
template <class F>
auto at(const Location& where, F make) {
  try {
    return make();
  } catch (const std::invalid_argument& error) {
    where.fail(error.what());
  }
}

/// Reads `{"weights": numbers, "means": rows, "covariance": {"type": name, ...}}`.
/// @throws std::invalid_argument with the place of a missing or unknown key, or of a bad value.
Mixture read_mixture(const Json& value, const Location& where);
OrderedJson write_mixture(const Mixture& mixture);

/// A row or a vector as a list.
OrderedJson numbers(const auto& row) {
  OrderedJson array = OrderedJson::array();
  for (Eigen::Index i = 0; i < row.size(); ++i) array.push_back(json_number(row(i)));
  return array;
}
/// A matrix as a list of rows.
OrderedJson rows(const auto& matrix) {
  OrderedJson array = OrderedJson::array();
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) array.push_back(numbers(matrix.row(i)));
  return array;
}

}  // namespace gmdiff::io
