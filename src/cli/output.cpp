#include "cli/output.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>

namespace gmdiff::cli {

std::string format_number(double value, int digits) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

std::string format_vector(const Eigen::VectorXd& values) {
  constexpr Eigen::Index most = 4;
  std::string text;
  for (Eigen::Index i = 0; i < std::min(most, values.size()); ++i)
    text += (i == 0 ? "" : " ") + format_number(values(i));
  return text + (values.size() > most ? " ..." : "");
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], row[j].size());
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t j = 0; j + 1 < row.size(); ++j)
      text += row[j] + std::string(widths[j] - row[j].size() + 2, ' ');
    text += (row.empty() ? "" : row.back()) + "\n";
  }
  return text;
}

void print_remarks(const std::vector<std::string>& warnings, const std::vector<std::string>& notes,
                   bool quiet) {
  if (quiet) return;
  for (const std::string& warning : warnings) std::cerr << "gmdiff: warning: " << warning << "\n";
  for (const std::string& note : notes) std::cerr << "gmdiff: note: " << note << "\n";
}

}  // namespace gmdiff::cli
