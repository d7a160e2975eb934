#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>

#include <gmdiff/model/vector_field.hpp>

// Objects of Python as vector fields.

namespace nb = nanobind;

namespace gmdiff::python {

/// A VectorField, a CustomField, a text or a sequence of texts, or a sequence of numbers.
/// @param place in messages @param name of the field in those about its texts
VectorField field_of(const nb::object& value, const std::string& place, const std::string& name,
                     const std::map<std::string, double>& parameters);
/// A dict of names and numbers.
std::map<std::string, double> parameters_from(const nb::object& value, const std::string& place);

}  // namespace gmdiff::python
