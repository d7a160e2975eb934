#include "arguments.hpp"

#include <algorithm>

#include "base/names.hpp"

namespace gmdiff::python {

std::string describe(nb::handle object) {
  if (object.is_none()) return "None";
  const std::string type = nb::type_name(object.type()).c_str();
  const bool has_short_value =
      PyUnicode_Check(object.ptr()) || PyLong_Check(object.ptr()) || PyFloat_Check(object.ptr());
  if (!has_short_value) return "an object of type " + type;
  const std::string value = nb::repr(object).c_str();
  return printable(value, 60);
}

void fail_type(const std::string& place, const std::string& expected, nb::handle given) {
  throw nb::type_error(concat(place, ": expected ", expected, ", given ", describe(given)).c_str());
}

Arguments::Arguments(std::string function, std::vector<std::string> keys, std::size_t num_positional,
                     const nb::args& positional, const nb::kwargs& named)
    : function_(std::move(function)), keys_(std::move(keys)) {
  if (positional.size() > num_positional)
    throw nb::type_error(concat(function_, ": takes at most ", num_positional,
                                " arguments without their names, given ", positional.size())
                             .c_str());
  for (std::size_t i = 0; i < positional.size(); ++i) given_[keys_[i].c_str()] = positional[i];
  for (const auto& [key, value] : named) {
    const std::string name = nb::cast<nb::str>(key).c_str();
    if (std::ranges::find(keys_, name) == keys_.end())
      throw nb::type_error(concat(function_, ": ", unknown_name("argument", name, keys_)).c_str());
    if (given_.contains(name.c_str()))
      throw nb::type_error(concat(function_, ": ", name, " is given twice").c_str());
    given_[name.c_str()] = value;
  }
}

nb::object Arguments::find(const std::string& key) const {
  if (!given_.contains(key.c_str())) return {};
  nb::object value = given_[key.c_str()];
  return value.is_none() ? nb::object() : value;
}

nb::object Arguments::need(const std::string& key) const {
  nb::object value = find(key);
  if (!value.is_valid())
    throw nb::type_error(concat(function_, ": the argument ", key, " is missing").c_str());
  return value;
}

}  // namespace gmdiff::python
