#include "descriptions.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <deque>
#include <memory>

namespace gmdiff::python {

std::string class_name(const std::type_info& type) {
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr), &std::free);
  const std::string name = text == nullptr ? type.name() : text.get();
  return name.substr(name.rfind(':') + 1);
}

const char* keep(std::string text) {
  static std::deque<std::string> texts;
  return texts.emplace_back(std::move(text)).c_str();
}

void ParameterInput::read(nb::handle value, const std::string& place,
                          std::map<std::string, double>& parameter) {
  if (!PyDict_Check(value.ptr())) fail_type(place, "a dict of names and numbers", value);
  for (const auto& [key, number] : nb::borrow<nb::dict>(value)) {
    const std::string name = text_of(key, place);
    parameter[name] = number_of(number, concat(place, "[\"", name, "\"]"));
  }
}

void ParameterInput::read(nb::handle value, const std::string& place, std::vector<int>& parameter) {
  if (!PySequence_Check(value.ptr()) || PyUnicode_Check(value.ptr()))
    fail_type(place, "a sequence of integers", value);
  parameter.clear();
  for (const nb::handle entry : nb::borrow<nb::sequence>(value))
    parameter.push_back(static_cast<int>(integer_of(entry, place, 2, io::most_cells)));
}

nb::object ParameterOutput::value(const std::string& key) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.key == key) return parameter.value;
  }
  return nb::none();
}

nb::object ParameterOutput::write(const std::vector<int>& value) {
  nb::list list;
  for (const int number : value) list.append(number);
  return list;
}

nb::object ParameterOutput::write(const std::map<std::string, double>& value) {
  nb::dict dict;
  for (const auto& [name, number] : value) dict[name.c_str()] = number;
  return dict;
}

namespace {

/// Whether a parameter is to be named: it is required, or its text differs from that of the default.
bool is_named(const ParameterOutput::Parameter& parameter, const ParameterOutput& defaults) {
  return parameter.required || !nb::repr(parameter.value).equal(nb::repr(defaults.value(parameter.key)));
}

}  // namespace

std::string text_of_call(const std::string& name, const ParameterOutput& given,
                         const ParameterOutput& defaults) {
  std::string list;
  for (const auto& parameter : given.parameters()) {
    if (!is_named(parameter, defaults)) continue;
    list += concat(list.empty() ? "" : ", ", parameter.key, "=", nb::repr(parameter.value).c_str());
  }
  return name + "(" + list + ")";
}

nb::dict state_of(const ParameterOutput& given, const ParameterOutput& defaults) {
  nb::dict state;
  for (const auto& parameter : given.parameters()) {
    if (is_named(parameter, defaults)) state[parameter.key.c_str()] = parameter.value;
  }
  return state;
}

void set_integrator(const Arguments& arguments, Sampler& integrator) {
  const nb::object value = arguments.need("integrator");
  const std::string place = arguments.place("integrator");
  if (PyUnicode_Check(value.ptr())) {
    const io::Json object = {{"integrator", text_of(value, place)}};
    io::read_integrator(object, io::Location(arguments.function()), integrator);
    return;
  }
  const auto given = VariantCast<Sampler>::from(value);
  if (!given) fail_type(place, "a reverse-time sampler or its name", value);
  integrator = *given;
}

}  // namespace gmdiff::python
