#include <gmdiff/io/logistic_csv.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/check.hpp"
#include "base/machine.hpp"
#include "base/names.hpp"

namespace gmdiff {
namespace {

using Eigen::Index;

constexpr std::uintmax_t most_bytes = std::uintmax_t{1} << 30;

/// The numbers of a file row by row, with the number of each row's line.
class Table {
 public:
  explicit Table(const std::filesystem::path& file) : name_(file.string()) {
    std::error_code none;
    require(std::filesystem::exists(file, none), name_, ": no such file");
    require(std::filesystem::is_regular_file(file, none), name_, ": expected a file of numbers");
    const std::uintmax_t bytes = std::filesystem::file_size(file, none);
    require(bytes <= most_bytes, name_, ": has ", bytes, " bytes, more than ", most_bytes);
    // A number takes two bytes or more, and is kept as double twice.
    require_memory(8 * static_cast<std::uint64_t>(bytes), "the table ", name_);
    std::ifstream in(file, std::ios::binary);
    require(in.is_open(), name_, ": cannot be opened for reading");
    std::string line;
    for (std::int64_t number = 1; std::getline(in, line); ++number) read_line(number, line);
    require(!lines_.empty(), name_, ": has no numbers");
  }

  Index rows() const { return std::ssize(lines_); }
  Index cols() const { return cols_; }
  double at(Index i, Index j) const { return values_[static_cast<std::size_t>(i * cols_ + j)]; }

  template <class... Parts>
  [[noreturn]] void fail_at(Index i, Index j, const Parts&... parts) const {
    fail(name_, ": line ", lines_[static_cast<std::size_t>(i)], ", column ", j + 1, ": ", parts...);
  }
  const std::string& name() const { return name_; }

 private:
  static std::string_view trimmed(std::string_view text) {
    constexpr const char* blanks = " \t\r";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
  }

  /// NaN for a cell that is no number.
  static double number_of(std::string_view cell) {
    // Labels +1 and -1 are common, and from_chars takes no plus.
    if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
    double value = 0.0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    const bool is_number = error == std::errc() && end == cell.data() + cell.size();
    return is_number ? value : std::numeric_limits<double>::quiet_NaN();
  }

  void read_line(std::int64_t number, const std::string& line) {
    std::string_view rest = line;
    if (trimmed(rest).empty()) return;
    Index column = 0;
    for (bool is_last = false; !is_last; ++column) {
      const std::size_t comma = rest.find(',');
      is_last = comma == std::string_view::npos;
      const std::string_view cell = trimmed(rest.substr(0, comma));
      const double value = number_of(cell);
      require(std::isfinite(value), name_, ": line ", number, ", column ", column + 1,
              ": expected a finite number, given ", in_quotes(cell));
      values_.push_back(value);
      if (!is_last) rest.remove_prefix(comma + 1);
    }
    if (lines_.empty()) {
      cols_ = column;
      require(cols_ >= 2, name_, ": line ", number, ": expected two columns or more, the last one the label");
    }
    require(column == cols_, name_, ": line ", number, ": expected ", cols_, " columns, given ", column);
    lines_.push_back(number);
  }

  std::string name_;
  std::vector<double> values_;
  std::vector<std::int64_t> lines_;
  Index cols_ = 0;
};

/// The last column, as 0 and 1.
Eigen::VectorXd labels_of(const Table& table) {
  const Index last = table.cols() - 1;
  const double first = table.at(0, last);
  double low = first, high = first;
  for (Index i = 0; i < table.rows(); ++i) {
    const double label = table.at(i, last);
    if (label == low || label == high) continue;
    if (low != high) table.fail_at(i, last, "expected a label ", low, " or ", high, ", given ", label);
    low = std::min(first, label);
    high = std::max(first, label);
  }
  require(low != high, table.name(), ": expected labels of two values, and all are ", low);
  Eigen::VectorXd labels(table.rows());
  for (Index i = 0; i < table.rows(); ++i) labels(i) = table.at(i, last) == high ? 1.0 : 0.0;
  return labels;
}

Eigen::VectorXd standardised(Eigen::VectorXd column, Standardise standardise) {
  if (standardise == Standardise::none) return column;
  // The mean of equal numbers rounds, so their deviation would not be 0.
  if (column.minCoeff() == column.maxCoeff()) {
    if (standardise == Standardise::center_scale) column.setZero();
    return column;
  }
  const double mean = column.mean();
  const double deviation = std::sqrt((column.array() - mean).square().mean());
  if (standardise == Standardise::center_scale) column.array() -= mean;
  return column / deviation;
}

}  // namespace

Logistic read_logistic(const std::filesystem::path& file, Standardise standardise, double prior_std) {
  const Table table(file);
  Logistic target{
      .data = Points(table.rows(), table.cols()), .labels = labels_of(table), .prior_std = prior_std};
  target.data.col(0).setOnes();
  for (Index j = 0; j + 1 < table.cols(); ++j) {
    Eigen::VectorXd column(table.rows());
    for (Index i = 0; i < table.rows(); ++i) column(i) = table.at(i, j);
    target.data.col(j + 1) = standardised(std::move(column), standardise);
  }
  return target;
}

}  // namespace gmdiff
