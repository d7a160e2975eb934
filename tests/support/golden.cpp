#include "support/golden.hpp"

#include <fstream>
#include <map>
#include <stdexcept>

namespace gmdiff::test {

const json& load_golden(const std::string& name) {
  static std::map<std::string, json> files;
  if (const auto known = files.find(name); known != files.end()) return known->second;
  const std::string file = std::string(GMDIFF_TEST_DIR) + "/golden/" + name + ".json";
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot open " + file);
  return files[name] = json::parse(in);
}

double number(const json& value) {
  if (value.is_number()) return value.get<double>();
  const auto text = value.get<std::string>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  throw std::runtime_error("not a number: " + text);
}

Eigen::VectorXd vector(const json& value) {
  Eigen::VectorXd v(static_cast<Eigen::Index>(value.size()));
  for (Eigen::Index i = 0; i < v.size(); ++i) v(i) = number(value[static_cast<std::size_t>(i)]);
  return v;
}

Points matrix(const json& value) {
  Points m(static_cast<Eigen::Index>(value.size()),
           value.empty() ? 0 : static_cast<Eigen::Index>(value[0].size()));
  for (Eigen::Index i = 0; i < m.rows(); ++i) m.row(i) = vector(value[static_cast<std::size_t>(i)]);
  return m;
}

std::vector<Eigen::MatrixXd> matrices(const json& value) {
  std::vector<Eigen::MatrixXd> result;
  for (const json& entry : value) result.emplace_back(matrix(entry));
  return result;
}

Covariance covariance(const std::string& type, const json& values) {
  if (type == "spherical") return Covariance::spherical(values.get<std::vector<double>>());
  if (type == "diag") return Covariance::diag(matrix(values));
  if (type == "tied") return Covariance::tied(matrix(values));
  if (type == "full") return Covariance::full(matrices(values));
  throw std::runtime_error("covariance type " + type);
}

Mixture mixture(const json& golden_case) {
  return {golden_case["weights"].get<std::vector<double>>(), matrix(golden_case["means"]),
          covariance(golden_case["covariance_type"], golden_case["covariances"])};
}

}  // namespace gmdiff::test
