#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <gmdiff/base/points.hpp>

#include "cli/streams.hpp"

// What the command prints: JSON for machines, tables for people, warnings.

namespace gmdiff::cli {

/// JSON that keeps the order of its keys.
using Json = nlohmann::ordered_json;

/// A number; "inf", "-inf" or "nan" where it is not finite.
Json json_number(double value);
/// Array (n).
Json json_vector(const Eigen::VectorXd& values);
/// Array of arrays (n, d).
Json json_points(const Points& points);
/// Indented text with a newline at the end; bytes that are not UTF-8 (in file names) are replaced.
std::string json_text(const Json& json);

/// 16 hexadecimal digits.
std::string hex(std::uint64_t value);
/// `digits` significant digits.
std::string format_number(double value, int digits = 6);

/// Text in columns, as wide as their widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  /// Without a header.
  Table() = default;
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// `gmdiff: warning: ...` and `gmdiff: note: ...` on standard error, unless quiet.
void print_remarks(const std::vector<std::string>& warnings, const std::vector<std::string>& notes, bool quiet);

}  // namespace gmdiff::cli
