#include "io/parameter_reader.hpp"

#include <algorithm>

namespace gmdiff::io {

double read_number(const Json& value, const Location& where) {
  if (!value.is_number()) where.fail("expected a number, given ", describe(value));
  return value.get<double>();
}

double read_unbounded(const Json& value, const Location& where) {
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (!value.is_number()) where.fail("expected a number or \"inf\", given ", describe(value));
  return value.get<double>();
}

int read_count(const Json& value, const Location& where, int most) {
  // 300.0 is an integer to JSON and to Python's writers.
  const double number = value.is_number() ? value.get<double>() : 0.0;
  if (!(number >= 1 && number <= most && number == std::floor(number))) {
    where.fail("expected an integer from 1 to ", most, ", given ", describe(value));
  }
  return static_cast<int>(number);
}

bool read_boolean(const Json& value, const Location& where) {
  if (!value.is_boolean()) where.fail("expected true or false, given ", describe(value));
  return value.get<bool>();
}

std::size_t read_choice(const Json& value, const Location& where, const std::vector<std::string>& names) {
  const auto found = value.is_string()
                         ? std::find(names.begin(), names.end(), value.get_ref<const std::string&>())
                         : names.end();
  if (found == names.end()) {
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : " or ") + in_quotes(name);
    where.fail("expected ", list, ", given ", describe(value));
  }
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace gmdiff::io
