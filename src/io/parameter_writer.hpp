#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "io/json_output.hpp"
#include "io/nonlinear_json.hpp"
#include "sampler/catalogue.hpp"

// Writes descriptions as JSON by the catalogue.

namespace gmdiff::io {

using catalogue::names_of;
using catalogue::type_name;
using catalogue::visit_parameters;

template <class... Alternatives>
OrderedJson write_variant(const std::variant<Alternatives...>& description);
template <class T>
OrderedJson write_parameters(T description);

/// Writes the parameters of a description into an object.
class ParameterWriter {
 public:
  explicit ParameterWriter(OrderedJson& object) : object_(object) {}

  template <class T>
  void required(const char* key, const T& parameter) {
    object_[key] = write(parameter);
  }
  template <class T>
  void optional(const char* key, const T& parameter) {
    object_[key] = write(parameter);
  }
  /// A missing value is written as a missing key.
  void optional(const char* key, const std::optional<double>& parameter) {
    if (parameter) object_[key] = write(*parameter);
  }
  void unbounded(const char* key, double parameter) { object_[key] = write(parameter); }
  /// The default has no effect on a sampler with a step, and is written as a missing key.
  void optional(const char* key, StepAdaptation parameter) {
    if (parameter != StepAdaptation::pilot) object_[key] = write(parameter);
  }
  /// An empty matrix is written as a missing key.
  void optional(const char* key, const Eigen::MatrixXd& parameter) {
    if (parameter.size() > 0) object_[key] = write(parameter);
  }
  void optional(const char* key, const Points& parameter) {
    if (parameter.size() > 0) object_[key] = write(parameter);
  }
  /// An empty vector is written as a missing key.
  void optional(const char* key, const Eigen::VectorXd& parameter) {
    if (parameter.size() > 0) object_[key] = write(parameter);
  }
  /// An empty list is written as a missing key.
  void optional(const char* key, const std::vector<int>& parameter) {
    if (!parameter.empty()) object_[key] = write(parameter);
  }
  void whole(const char* key, int parameter, int /*most*/, int /*least*/ = 1) {
    object_[key] = write(parameter);
  }
  template <class Variant>
  void name_of(const char* key, const Variant& description) {
    object_[key] = std::visit([]<class T>(const T&) { return type_name<T>; }, description);
  }
  template <class First, class Second>
  void either(bool first_holds, First first, Second second) {
    first_holds ? first(*this) : second(*this);
  }

 private:
  static OrderedJson write(double value) { return json_number(value); }
  static OrderedJson write(int value) { return value; }
  static OrderedJson write(bool value) { return value; }
  static OrderedJson write(const std::vector<double>& values) {
    OrderedJson array = OrderedJson::array();
    for (const double value : values) array.push_back(json_number(value));
    return array;
  }
  static OrderedJson write(const std::string& text) { return text; }
  static OrderedJson write(const std::vector<int>& values) { return values; }
  static OrderedJson write(const std::map<std::string, double>& values) {
    OrderedJson object = OrderedJson::object();
    for (const auto& [name, value] : values) object[name] = json_number(value);
    return object;
  }
  static OrderedJson write(const Points& values) { return json_points(values); }
  static OrderedJson write(const Eigen::VectorXd& values) { return json_vector(values); }
  static OrderedJson write(const Eigen::MatrixXd& values) {
    if (values.cols() == 1) return json_vector(values.col(0));
    OrderedJson rows = OrderedJson::array();
    for (Eigen::Index i = 0; i < values.rows(); ++i) rows.push_back(json_vector(values.row(i).transpose()));
    return rows;
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static OrderedJson write(Enum value) { return names_of<Enum>().at(static_cast<std::size_t>(value)); }
  template <class... Alternatives>
  static OrderedJson write(const std::variant<Alternatives...>& value) {
    return write_variant(value);
  }
  static OrderedJson write(const SparsePrior& value) { return write_parameters(value); }
  static OrderedJson write(const NonlinearObservation& value) {
    return write_nonlinear_observation(value, MapDimension::written);
  }
  static OrderedJson write(const LinearBeta& value) { return write_variant(std::variant<LinearBeta>(value)); }

  OrderedJson& object_;
};

/// The parameters of a description without a type.
template <class T>
OrderedJson write_parameters(T description) {
  OrderedJson object = OrderedJson::object();
  ParameterWriter writer(object);
  visit_parameters(writer, description);
  return object;
}

/// `{"type": name, parameters}` of one description.
template <class T>
OrderedJson write_description(T description) {
  if constexpr (std::is_same_v<T, ObservedMixture>) {
    fail("to_json: an observed mixture has no JSON form of a target; it is a prior with an observation");
  } else if constexpr (std::is_same_v<T, CustomTarget>) {
    fail("to_json: a target given by functions (CustomTarget) has no JSON form");
  } else if constexpr (type_name<T> == nullptr) {
    fail("to_json: a process given by functions (CustomProcess) has no JSON form");
  } else {
    OrderedJson object = {{"type", type_name<T>}};
    ParameterWriter writer(object);
    visit_parameters(writer, description);
    return object;
  }
}

/// The JSON of the alternative that a nested variant holds.
template <class... Alternatives>
OrderedJson write_description(const std::variant<Alternatives...>& description) {
  return write_variant(description);
}

template <class... Alternatives>
OrderedJson write_variant(const std::variant<Alternatives...>& description) {
  return std::visit([](const auto& alternative) { return write_description(alternative); }, description);
}

}  // namespace gmdiff::io
