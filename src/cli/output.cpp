#include "cli/output.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace gmdiff::cli {

Json json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0.0 ? "inf" : "-inf";
  return value;
}

Json json_vector(const Eigen::VectorXd& values) {
  Json array = Json::array();
  for (const double value : values) array.push_back(json_number(value));
  return array;
}

Json json_points(const Points& points) {
  Json array = Json::array();
  for (Eigen::Index i = 0; i < points.rows(); ++i) array.push_back(json_vector(points.row(i).transpose()));
  return array;
}

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string hex(std::uint64_t value) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
  return digits.data();
}

std::string format_number(double value, int digits) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], row[j].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t j = 0; j + 1 < row.size(); ++j) text += row[j] + std::string(widths[j] - row[j].size() + 2, ' ');
    text += (row.empty() ? "" : row.back()) + "\n";
  }
  return text;
}

void print_remarks(const std::vector<std::string>& warnings, const std::vector<std::string>& notes, bool quiet) {
  if (quiet) return;
  for (const std::string& warning : warnings) std::cerr << "gmdiff: warning: " << warning << "\n";
  for (const std::string& note : notes) std::cerr << "gmdiff: note: " << note << "\n";
}

}  // namespace gmdiff::cli
