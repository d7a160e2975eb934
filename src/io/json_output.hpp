#pragma once

#include <string>

#include <gmdiff/base/points.hpp>

#include "base/names.hpp"
#include "io/json_input.hpp"

// Numbers, arrays and text of the JSON that gmdiff writes.

namespace gmdiff::io {

/// A double that reads back to the same value; "inf", "-inf" or "nan" where it is not finite.
OrderedJson json_number(double value);
/// Array (n).
OrderedJson json_vector(const Eigen::VectorXd& values);
/// Array of arrays (n, d).
OrderedJson json_points(const Points& points);
/// Indented text with a newline at the end; bytes that are not UTF-8 (in file names) are replaced.
std::string json_text(const OrderedJson& json);
using gmdiff::hex;

}  // namespace gmdiff::io
