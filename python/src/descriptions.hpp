#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <typeinfo>
#include <vector>

#include "arguments.hpp"
#include "docstrings.hpp"
#include "io/parameter_writer.hpp"
#include "parameters.hpp"
#include "sampler/catalogue.hpp"

// Classes of Python for the descriptions of the catalogue: their names are those of C++, their keywords and
// attributes the catalogue's keys.

namespace gmdiff::python {

/// The parameters of a description.
template <class T>
ParameterOutput parameters_of(const T& description) {
  ParameterOutput output;
  T copy = description;
  catalogue::visit_parameters(output, copy);
  return output;
}

/// "Ddim(eta=0.5)": the parameters that are required or differ from their defaults.
std::string text_of_call(const std::string& name, const ParameterOutput& given,
                         const ParameterOutput& defaults);
/// Parameters that differ from their defaults, for pickles.
nb::dict state_of(const ParameterOutput& given, const ParameterOutput& defaults);

/// Sets the integrator of a guided sampler from the argument `integrator`, a sampler or its name.
void set_integrator(const Arguments& arguments, Sampler& integrator);

/// Keys of a description.
template <class T>
std::vector<std::string> keys_of(T description) {
  catalogue::KeyCollector collector;
  catalogue::visit_parameters(collector, description);
  return collector.keys;
}

/// A description from the arguments of its constructor.
template <class T>
T description_of(const nb::args& positional, const nb::kwargs& named) {
  const std::string name = class_name(typeid(T));
  T description{};
  if constexpr (requires { description.integrator; }) {
    if (named.contains("integrator")) {
      nb::kwargs only;
      only["integrator"] = named["integrator"];
      set_integrator(Arguments(name, {"integrator"}, 0, nb::args(), only), description.integrator);
    }
  }
  const std::vector<std::string> keys = keys_of(description);
  const Arguments arguments(name, keys, keys.size(), positional, named);
  ParameterInput input(arguments);
  catalogue::visit_parameters(input, description);
  return description;
}

/// Whether two descriptions are equal: they have the same JSON. One that has none equals itself alone.
template <class T>
bool are_equal(const T& a, const T& b) {
  try {
    return &a == &b || io::write_parameters(a) == io::write_parameters(b);
  } catch (const std::invalid_argument&) {
    return false;
  }
}

/// The comment of a parameter. Those of all chains belong to `ChainRun`.
inline const char* docs_of_parameter(const std::string& name, const std::string& key) {
  const std::string own = optional_docs(name + "::" + key);
  return optional_docs((own.empty() ? "ChainRun" : name) + "::" + key);
}

/// Makes the class of a description. @tparam is_named whether the catalogue has a name for it
template <class T, bool is_named = true>
void bind_description(nb::module_& module) {
  const std::string name = class_name(typeid(T));
  ParameterTypes types;
  T defaults{};
  catalogue::visit_parameters(types, defaults);
  nb::class_<T> made(module, keep(name), docs(name));
  made.def(
      "__init__",
      [](T* self, const nb::args& positional, const nb::kwargs& named) {
        new (self) T(description_of<T>(positional, named));
      },
      nb::sig(keep(concat("def __init__(self", types.text(), ") -> None"))));
  const ParameterOutput of_defaults = parameters_of(defaults);
  for (const auto& parameter : of_defaults.parameters()) {
    const std::string key = parameter.key;
    made.def_prop_ro(
        keep(key), [key](const T& self) { return parameters_of(self).value(key); },
        nb::for_getter(nb::sig(keep(concat("def ", key, "(self) -> typing.Any")))),
        docs_of_parameter(name, key));
  }
  if constexpr (is_named) made.attr("name") = catalogue::type_name<T>;
  made.def("__repr__", [name](const T& self) {
    return nb::str(text_of_call(name, parameters_of(self), parameters_of(T{})).c_str());
  });
  made.def(
      "__eq__",
      [](const T& self, nb::handle other) {
        return nb::isinstance<T>(other) && are_equal(self, nb::cast<const T&>(other));
      },
      nb::sig("def __eq__(self, other: object, /) -> bool"));
  made.def("__hash__", [](const T& self) {
    return nb::hash(nb::str(text_of_call("", parameters_of(self), parameters_of(T{})).c_str()));
  });
  made.def("__getstate__", [](const T& self) { return state_of(parameters_of(self), parameters_of(T{})); });
  made.def("__setstate__", [](T& self, const nb::dict& state) {
    nb::kwargs named = nb::borrow<nb::kwargs>(state);
    new (&self) T(description_of<T>(nb::args(), named));
  });
}

/// Makes the classes of all alternatives of a variant that the catalogue names.
template <class Variant>
void bind_descriptions(nb::module_& module) {
  io::for_each_alternative<Variant>([&]<class T>(const T& /*alternative*/) { bind_description<T>(module); });
}

}  // namespace gmdiff::python
