#include "io/parameter_reader.hpp"

#include <algorithm>

namespace gmdiff::io {

using catalogue::evaluates_denoiser;

double read_number(const Json& value, const Location& where) {
  if (!value.is_number()) where.fail("expected a number, given ", describe(value));
  return value.get<double>();
}

double read_unbounded(const Json& value, const Location& where) {
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (!value.is_number()) where.fail("expected a number or \"inf\", given ", describe(value));
  return value.get<double>();
}

int read_count(const Json& value, const Location& where, int most, int least) {
  // 300.0 counts as an integer: writers of JSON differ in the form of whole numbers.
  const double number = value.is_number() ? value.get<double>() : -1.0;
  if (!(number >= least && number <= most && number == std::floor(number))) {
    where.fail("expected an integer from ", least, " to ", most, ", given ", describe(value));
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

void read_integrator(const Json& object, const Location& where, Sampler& integrator) {
  const Json* value = optional_member(object, "integrator");
  if (value == nullptr) return;
  const Location place = where.key("integrator");
  if (!value->is_string()) place.fail("expected the name of an integrator, given ", describe(*value));
  const auto& name = value->get_ref<const std::string&>();
  std::vector<std::string> names;
  bool is_known = false;
  for_each_alternative<Sampler>([&]<class T>(const T& sampler) {
    if (evaluates_denoiser<T>) names.emplace_back(type_name<T>);
    if (name != type_name<T>) return;
    if (!evaluates_denoiser<T>)
      place.fail(name, " evaluates no denoiser; a guided sampler needs one that does");
    integrator = sampler;
    is_known = true;
  });
  if (!is_known) place.fail(unknown_name("integrator", name, names));
}

}  // namespace gmdiff::io
