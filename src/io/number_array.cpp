#include "io/number_array.hpp"

#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include <gmdiff/io/npy.hpp>

#include "base/machine.hpp"
#include "io/npy_header.hpp"

namespace gmdiff::io {

namespace {

// 8 GiB in double; bounds the memory that a sparse file can request.
constexpr std::int64_t max_values = std::int64_t{1} << 30;
// The array, its matrices, their eigenvectors, and one copy in progress.
constexpr std::uint64_t copies = 4;
constexpr int element_names = 3;

/// `3 numbers`, `2 rows`, `numbers`; the unit of a dimension depends on how many follow.
std::string counted(std::int64_t n, std::size_t dimensions_below) {
  static constexpr const char* plural[element_names] = {"numbers", "rows", "matrices"};
  static constexpr const char* singular[element_names] = {"number", "row", "matrix"};
  if (n == any_size) return plural[dimensions_below];
  return std::to_string(n) + " " + (n == 1 ? singular : plural)[dimensions_below];
}

/// `an array of 2 rows of 2 numbers`.
std::string expectation(const std::vector<std::int64_t>& shape) {
  std::string text = "expected an array";
  for (std::size_t i = 0; i < shape.size(); ++i) text += " of " + counted(shape[i], shape.size() - 1 - i);
  return text;
}

/// Walks nested JSON arrays; entries of the shape that are free take the first size met.
class NestedArray {
 public:
  NestedArray(const Location& where, const std::vector<std::int64_t>& expected)
      : where_(where), any_length_(expected.front() == any_size) {
    array_.shape = expected;
  }

  NumberArray read(const Json& value) {
    level(value, 0);
    return std::move(array_);
  }

 private:
  void level(const Json& value, std::size_t depth) {
    if (depth == array_.shape.size()) {
      if (!value.is_number()) element_location().fail("expected a number, given ", describe(value));
      array_.values.push_back(value.get<double>());
      return;
    }
    const std::size_t below = array_.shape.size() - 1 - depth;
    if (!value.is_array())
      where_.fail(expected_shape(), ", ", subject(depth, "given ", " is "), describe(value));
    const auto size = static_cast<std::int64_t>(value.size());
    std::int64_t& expected = array_.shape[depth];
    if (size == 0 || (expected != any_size && size != expected)) {
      where_.fail(expected_shape(), ", ", subject(depth, "given ", " has "),
                  depth == 0 ? counted(size, below) : std::to_string(size));
    }
    expected = size;
    index_.push_back(0);
    for (const Json& entry : value) {
      level(entry, depth + 1);
      ++index_.back();
    }
    index_.pop_back();
  }

  /// The expected shape, with the row length taken from the first row.
  std::string expected_shape() const {
    std::vector<std::int64_t> shape = array_.shape;
    if (any_length_) shape.front() = any_size;
    return expectation(shape);
  }

  /// `given ` for the whole array, else `row 1 has `, `row 0 of matrix 2 has `.
  std::string subject(std::size_t depth, const char* whole, const char* verb) const {
    if (depth == 0) return whole;
    const std::size_t rank = array_.shape.size();
    if (depth == 1) return (rank == 3 ? "matrix " : "row ") + std::to_string(index_[0]) + verb;
    return "row " + std::to_string(index_[1]) + " of matrix " + std::to_string(index_[0]) + verb;
  }

  Location element_location() const {
    Location place = where_;
    for (const std::size_t i : index_) place = place.index(i);
    return place;
  }

  const Location& where_;
  bool any_length_;
  NumberArray array_;
  std::vector<std::size_t> index_;
};

bool fits(const std::vector<std::int64_t>& given, const std::vector<std::int64_t>& expected) {
  if (given.size() != expected.size()) return false;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] == 0 || (expected[i] != any_size && given[i] != expected[i])) return false;
  }
  return true;
}

NumberArray read_file(const std::string& path, const Location& where,
                      const std::vector<std::int64_t>& expected) {
  if (path.empty() || path.find('\0') != std::string::npos)
    where.fail(expectation(expected), " or the path of a .npy file, given ", in_quotes(path));
  try {
    NpyReader reader(where.folder() / path);
    where.note(where.folder() / path);
    if (!fits(reader.shape(), expected))
      where.fail(expectation(expected), ", ", in_quotes(path), " has shape ", shape_text(reader.shape()));
    if (reader.size() > max_values)
      where.fail(in_quotes(path), " has ", reader.size(), " values, more than ", max_values);
    require_memory(copies * static_cast<std::uint64_t>(reader.size()) * sizeof(double), "the array ",
                   in_quotes(path), " of ", where.prefix().substr(0, where.prefix().rfind(':')));
    NumberArray array{.shape = reader.shape(),
                      .values = std::vector<double>(static_cast<std::size_t>(reader.size()))};
    if (reader.precision() == Precision::f32)
      array.relative_precision = std::numeric_limits<float>::epsilon();
    reader.read(0, array.values);
    return array;
  } catch (const std::invalid_argument& error) {
    const std::string prefix = where.prefix();
    if (std::string_view(error.what()).starts_with(prefix)) throw;
    where.fail(error.what());
  }
}

}  // namespace

Eigen::VectorXd NumberArray::vector() const {
  return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
}

Points NumberArray::points() const { return Eigen::Map<const Points>(values.data(), shape[0], shape[1]); }

std::vector<Eigen::MatrixXd> NumberArray::matrices() const {
  std::vector<Eigen::MatrixXd> result;
  const std::int64_t entries = shape[1] * shape[2];
  for (std::int64_t k = 0; k < shape[0]; ++k) {
    result.emplace_back(Eigen::Map<const Points>(values.data() + k * entries, shape[1], shape[2]));
  }
  return result;
}

NumberArray read_array(const Json& value, const Location& where, const std::vector<std::int64_t>& expected) {
  if (value.is_string()) return read_file(value.get_ref<const std::string&>(), where, expected);
  return NestedArray(where, expected).read(value);
}

}  // namespace gmdiff::io
