#pragma once

#include <nanobind/nanobind.h>

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "descriptions.hpp"
#include "docstrings.hpp"
#include "numbers.hpp"
#include "states.hpp"

// Results that are plain structures: their members as attributes, arrays as NumPy arrays.

namespace gmdiff::python {

/// A member as an object of Python; vectors and matrices become arrays.
template <class T>
nb::object value_of(const T& member) {
  if constexpr (std::is_same_v<T, Eigen::VectorXd> || std::is_same_v<T, Eigen::MatrixXd> ||
                std::is_same_v<T, Points>) {
    return array(member);
  } else {
    return nb::cast(member);
  }
}

/// A list of the objects that f makes of the elements.
template <class T, class F>
nb::list list_from(const std::vector<T>& values, F f) {
  nb::list list;
  for (const T& value : values) list.append(f(value));
  return list;
}
template <class T>
nb::list list_from(const std::vector<T>& values) {
  return list_from(values, [](const T& value) { return nb::cast(value); });
}

/// The class of a result, which `StateOf` describes; `def` adds members with the comments of the header.
template <class T>
class Record {
 public:
  Record(nb::module_& module, const char* name) : name_(name), made_(module, name, docs(name)) {
    def_state(made_);
  }

  template <class M>
  Record& def(const char* name, M T::*member) {
    made_.def_prop_ro(
        name, [member](const T& self) { return value_of(self.*member); },
        nb::for_getter(nb::sig(keep(concat("def ", name, "(self) -> ", type_name<M>())))),
        optional_docs(name_ + "::" + name));
    parts_.push_back(
        [name, member](const T& self) { return concat(name, " ", text_of_value(self.*member)); });
    return *this;
  }
  /// Shows the members so far: "<GridMoments: mass 1, mean (2,), covariance (2, 2)>".
  Record& with_repr() {
    made_.def("__repr__", [name = name_, parts = parts_](const T& self) {
      std::string list;
      for (const auto& part : parts) list += (list.empty() ? "" : ", ") + part(self);
      return concat("<", name, ": ", list, ">");
    });
    return *this;
  }
  nb::class_<T>& made() { return made_; }

 private:
  template <class M>
  static const char* type_name() {
    if constexpr (std::is_same_v<M, double>)
      return "float";
    else if constexpr (std::is_same_v<M, bool>)
      return "bool";
    else if constexpr (std::is_integral_v<M>)
      return "int";
    else
      return "numpy.ndarray";
  }

  /// A number, or the shape of an array.
  template <class M>
  static std::string text_of_value(const M& value) {
    if constexpr (std::is_arithmetic_v<M>)
      return concat(value);
    else if constexpr (std::is_same_v<M, Eigen::VectorXd>)
      return concat("(", value.size(), ",)");
    else
      return concat("(", value.rows(), ", ", value.cols(), ")");
  }

  std::string name_;
  nb::class_<T> made_;
  std::vector<std::function<std::string(const T&)>> parts_;
};

/// Calls read(value, place) for an argument that is given.
template <class Read>
void with_argument(const Arguments& given, const char* key, Read read) {
  if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
}

}  // namespace gmdiff::python
