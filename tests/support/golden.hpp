#pragma once

#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <gmdiff/model/mixture.hpp>

// The golden files of tests/golden (independent values, most of them from 50-digit arithmetic) as Eigen
// objects.

namespace gmdiff::test {

using nlohmann::json;

/// The file tests/golden/<name>.json, read once and kept: references into it stay valid.
const json& load_golden(const std::string& name);

/// A number, or one of the strings "inf", "-inf", "nan".
double number(const json& value);
/// Shape (n).
Eigen::VectorXd vector(const json& value);
/// Shape (n, m) from nested lists.
Points matrix(const json& value);
/// K matrices.
std::vector<Eigen::MatrixXd> matrices(const json& value);

/// The covariances of a case in the structure `type`.
Covariance covariance(const std::string& type, const json& values);
/// The mixture of a case with the fields weights, means, covariance_type, covariances.
Mixture mixture(const json& golden_case);

}  // namespace gmdiff::test
