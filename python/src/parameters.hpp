#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <variant>
#include <vector>

#include "arguments.hpp"
#include "io/parameter_reader.hpp"
#include "numbers.hpp"
#include "sampler/catalogue.hpp"

// Visitors of the catalogue: parameters from arguments, as objects of Python, and in the stubs.

namespace gmdiff::python {

/// Name of a type without its namespace.
std::string class_name(const std::type_info& type);
/// Keeps a text as long as the program runs: Python's descriptors of functions refer to it.
const char* keep(std::string text);

/// The object as one alternative of a variant; nothing for other objects. Nested variants are searched.
template <class Variant>
struct VariantCast;
template <class... Alternatives>
struct VariantCast<std::variant<Alternatives...>> {
  using Variant = std::variant<Alternatives...>;
  static std::optional<Variant> from(nb::handle object) {
    std::optional<Variant> result;
    (void)(try_one<Alternatives>(object, result) || ...);
    return result;
  }

 private:
  template <class T>
  static bool try_one(nb::handle object, std::optional<Variant>& result) {
    if constexpr (io::is_variant<T>) {
      if (auto inner = VariantCast<T>::from(object)) result = std::move(*inner);
    } else {
      if (nb::isinstance<T>(object)) result = nb::cast<T>(object);
    }
    return result.has_value();
  }
};

/// The alternative that a variant holds, as an object of Python.
template <class... Alternatives>
nb::object object_of(const std::variant<Alternatives...>& description) {
  return std::visit(
      []<class T>(const T& alternative) -> nb::object {
        if constexpr (io::is_variant<T>) {
          return object_of(alternative);
        } else {
          return nb::cast(alternative);
        }
      },
      description);
}

/// Reads the parameters of a description from the arguments of its constructor.
class ParameterInput {
 public:
  explicit ParameterInput(const Arguments& arguments) : arguments_(arguments) {}

  template <class T>
  void required(const char* key, T& parameter) {
    read(arguments_.need(key), arguments_.place(key), parameter);
  }
  template <class T>
  void optional(const char* key, T& parameter) {
    if (const nb::object value = arguments_.find(key); value.is_valid())
      read(value, arguments_.place(key), parameter);
  }
  void unbounded(const char* key, double& parameter) { optional(key, parameter); }
  void whole(const char* key, int& parameter, int most, int least = 1) {
    if (const nb::object value = arguments_.find(key); value.is_valid())
      parameter = static_cast<int>(integer_of(value, arguments_.place(key), least, most));
  }
  /// Reads nothing: the variant already holds the alternative, since the known keys depend on it.
  template <class Variant>
  void name_of(const char* /*key*/, Variant& /*description*/) {}
  template <class First, class Second>
  void either(bool /*first_holds*/, First first, Second second) {
    const std::string in_first = given_key(first), in_second = given_key(second);
    if (!in_first.empty() && !in_second.empty())
      fail(arguments_.function(), ": ", in_first, " and ", in_second, " exclude each other");
    in_first.empty() ? second(*this) : first(*this);
  }

 private:
  template <class Group>
  std::string given_key(Group group) const {
    catalogue::KeyCollector collector;
    group(collector);
    for (const std::string& key : collector.keys) {
      if (arguments_.find(key).is_valid()) return key;
    }
    return {};
  }

  static void read(nb::handle value, const std::string& place, double& parameter) {
    parameter = number_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, int& parameter) {
    parameter = static_cast<int>(integer_of(value, place, 1, io::max_steps));
  }
  static void read(nb::handle value, const std::string& place, bool& parameter) {
    parameter = truth_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, std::optional<double>& parameter) {
    parameter = number_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, std::vector<double>& parameter) {
    parameter = list_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, std::string& parameter) {
    parameter = text_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, std::map<std::string, double>& parameter);
  static void read(nb::handle value, const std::string& place, std::vector<int>& parameter);
  static void read(nb::handle value, const std::string& place, Points& parameter) {
    parameter = points_of(value, place);
  }
  static void read(nb::handle value, const std::string& place, Eigen::VectorXd& parameter) {
    parameter = vector_of(value, place);
  }
  /// A list of d numbers, shape (d, 1), or a matrix.
  static void read(nb::handle value, const std::string& place, Eigen::MatrixXd& parameter) {
    parameter = points_of(value, place, "(d) or (m, d)");
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static void read(nb::handle value, const std::string& place, Enum& parameter) {
    const auto& names = catalogue::names_of<Enum>();
    parameter = static_cast<Enum>(choice_of(value, place, {names.begin(), names.end()}));
  }
  template <class... Alternatives>
  static void read(nb::handle value, const std::string& place, std::variant<Alternatives...>& parameter) {
    const auto given = VariantCast<std::variant<Alternatives...>>::from(value);
    if (!given) {
      std::string names;
      ((names += (names.empty() ? "" : " or ") + class_name(typeid(Alternatives))), ...);
      fail_type(place, names, value);
    }
    parameter = *given;
  }
  template <class T>
  requires std::is_class_v<T>
  static void read(nb::handle value, const std::string& place, T& parameter) {
    if (!nb::isinstance<T>(value)) fail_type(place, class_name(typeid(T)), value);
    parameter = nb::cast<T>(value);
  }

  const Arguments& arguments_;
};

/// Collects the parameters of a description as objects of Python. The integrator of a guided sampler is one
/// parameter here, an object with parameters of its own.
class ParameterOutput {
 public:
  template <class T>
  void required(const char* key, const T& parameter) {
    if (!in_integrator_) add(key, write(parameter), true);
  }
  template <class T>
  void optional(const char* key, const T& parameter) {
    // The integrator's parameters end where the law of the start follows.
    if constexpr (std::is_same_v<T, Start>) in_integrator_ = false;
    if (!in_integrator_) add(key, write(parameter), false);
  }
  void unbounded(const char* key, double parameter) { optional(key, parameter); }
  void whole(const char* key, int parameter, int /*most*/, int /*least*/ = 1) { optional(key, parameter); }
  template <class Variant>
  void name_of(const char* key, const Variant& description) {
    add(key, object_of(description), false);
    in_integrator_ = true;
  }
  template <class First, class Second>
  void either(bool first_holds, First first, Second second) {
    first_holds ? first(*this) : second(*this);
  }

  struct Parameter {
    std::string key;
    nb::object value;
    bool required;
  };
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// The value of a key; None when the description does not use it.
  nb::object value(const std::string& key) const;

 private:
  void add(const char* key, nb::object value, bool required) {
    parameters_.push_back({key, std::move(value), required});
  }

  static nb::object write(double value) { return nb::float_(value); }
  static nb::object write(int value) { return nb::int_(value); }
  static nb::object write(bool value) { return nb::bool_(value); }
  static nb::object write(const std::optional<double>& value) {
    return value ? nb::object(nb::float_(*value)) : nb::object(nb::none());
  }
  static nb::object write(const std::string& value) { return nb::str(value.c_str()); }
  static nb::object write(const std::vector<double>& value) { return array(value); }
  static nb::object write(const std::vector<int>& value);
  static nb::object write(const std::map<std::string, double>& value);
  static nb::object write(const Points& value) { return array(value); }
  static nb::object write(const Eigen::VectorXd& value) { return array(value); }
  static nb::object write(const Eigen::MatrixXd& value) { return array(value); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static nb::object write(Enum value) {
    return nb::str(catalogue::names_of<Enum>().at(static_cast<std::size_t>(value)));
  }
  template <class... Alternatives>
  static nb::object write(const std::variant<Alternatives...>& value) {
    return object_of(value);
  }
  template <class T>
  requires std::is_class_v<T>
  static nb::object write(const T& value) { return nb::cast(value); }

  std::vector<Parameter> parameters_;
  bool in_integrator_ = false;
};

/// The type of a parameter in the stubs.
class ParameterTypes {
 public:
  template <class T>
  void required(const char* key, const T& /*parameter*/) {
    // Python allows no parameter without a default after one that has it.
    text_ += concat(", ", key, ": ", type_of<T>(), has_default_ ? " = ..." : "");
  }
  template <class T>
  void optional(const char* key, const T& /*parameter*/) {
    has_default_ = true;
    text_ += concat(", ", key, ": ", type_of<T>(), " = ...");
  }
  void unbounded(const char* key, double parameter) { optional(key, parameter); }
  void whole(const char* key, int parameter, int /*most*/, int /*least*/ = 1) { optional(key, parameter); }
  template <class Variant>
  void name_of(const char* key, const Variant& /*description*/) {
    text_ += concat(", ", key, ": typing.Any = ...");
  }
  template <class First, class Second>
  void either(bool /*first_holds*/, First first, Second second) {
    ParameterTypes groups;
    first(groups);
    second(groups);
    // Either group may be left out.
    for (std::size_t at = 0; at < groups.text_.size(); ++at) {
      text_ += groups.text_[at];
      const bool ends = at + 1 == groups.text_.size() || groups.text_[at + 1] == ',';
      if (ends) text_ += " = ...";
    }
  }
  const std::string& text() const { return text_; }

  template <class T>
  static const char* type_of() {
    if constexpr (std::is_same_v<T, double>)
      return "float";
    else if constexpr (std::is_same_v<T, int>)
      return "int";
    else if constexpr (std::is_same_v<T, bool>)
      return "bool";
    else if constexpr (std::is_same_v<T, std::string> || std::is_enum_v<T>)
      return "str";
    else if constexpr (std::is_same_v<T, std::optional<double>>)
      return "float | None";
    else if constexpr (std::is_same_v<T, std::map<std::string, double>>)
      return "dict[str, float]";
    else if constexpr (io::is_variant<T> || std::is_class_v<T>)
      return "typing.Any";
  }

 private:
  std::string text_;
  bool has_default_ = false;
};

}  // namespace gmdiff::python
