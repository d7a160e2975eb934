#pragma once

#include <string>
#include <vector>

#include "cli/streams.hpp"
#include "io/json_output.hpp"

// Output of the command: JSON for machines, tables for people, warnings.

namespace gmdiff::cli {

/// JSON that keeps the order of its keys.
using Json = io::OrderedJson;

using io::hex;
using io::json_number;
using io::json_points;
using io::json_text;
using io::json_vector;

/// `digits` significant digits.
std::string format_number(double value, int digits = 6);
/// The first coordinates of a vector.
std::string format_vector(const Eigen::VectorXd& values);

/// Text in columns; each column is as wide as its widest cell.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  /// A table without a header.
  Table() = default;
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// `gmdiff: warning: ...` and `gmdiff: note: ...` on standard error, unless quiet.
void print_remarks(const std::vector<std::string>& warnings, const std::vector<std::string>& notes,
                   bool quiet);

}  // namespace gmdiff::cli
