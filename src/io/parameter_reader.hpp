#pragma once

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "io/json_input.hpp"
#include "io/nonlinear_json.hpp"
#include "io/number_array.hpp"
#include "sampler/catalogue.hpp"
#include "sampler/key_collector.hpp"

// Reads descriptions from JSON by the catalogue.

namespace gmdiff::io {

using catalogue::KeyCollector;
using catalogue::names_of;
using catalogue::type_name;
using catalogue::visit_parameters;

// Largest number of steps of a grid or table in a problem file; it bounds time and memory for hostile files.
constexpr int max_steps = 1'000'000;
// Largest number of cells of an axis.
constexpr int most_cells = 1 << 22;

double read_number(const Json& value, const Location& where);
/// A number, or the string "inf".
double read_unbounded(const Json& value, const Location& where);
/// An integer from `least` to `most`.
int read_count(const Json& value, const Location& where, int most = max_steps, int least = 1);
bool read_boolean(const Json& value, const Location& where);
/// Position of a string among the names. @throws std::invalid_argument with all of them.
std::size_t read_choice(const Json& value, const Location& where, const std::vector<std::string>& names);

/// Sets the integrator of a guided sampler to the one that the key `integrator` names, with its defaults.
/// Without the key nothing changes.
void read_integrator(const Json& object, const Location& where, Sampler& integrator);

/// Whether the key `type` is required, or may be omitted and then means the first alternative.
enum class TypeKey { required, optional };
/// A description `{"type": name, parameters}`. @param what names the kind in messages: "process", "grid",
/// "sampler", "beta".
template <class Variant>
Variant read_variant(const Json& value, const Location& where, const char* what,
                     TypeKey type_key = TypeKey::required);

/// A description without a type. @param keys that belong to the object but not to the description
template <class T>
T read_description(const Json& value, const Location& where, std::vector<std::string> keys = {});

/// Reads the parameters of a description from an object whose keys have been checked.
class ParameterReader {
 public:
  ParameterReader(const Json& object, const Location& where) : object_(object), where_(where) {}

  template <class T>
  void required(const char* key, T& parameter) {
    read(member(object_, where_, key), where_.key(key), parameter);
  }
  template <class T>
  void optional(const char* key, T& parameter) {
    if (const Json* value = optional_member(object_, key)) read(*value, where_.key(key), parameter);
  }
  void unbounded(const char* key, double& parameter) {
    if (const Json* value = optional_member(object_, key))
      parameter = read_unbounded(*value, where_.key(key));
  }
  void whole(const char* key, int& parameter, int most, int least = 1) {
    if (const Json* value = optional_member(object_, key))
      parameter = read_count(*value, where_.key(key), most, least);
  }
  /// Reads nothing: the variant already holds the alternative of that name (`read_integrator`), since the
  /// known keys depend on it.
  template <class Variant>
  void name_of(const char* /*key*/, Variant& /*description*/) {}
  /// Reads the first group if one of its keys is given, otherwise the second. Giving keys of both is an
  /// error.
  template <class First, class Second>
  void either(bool, First first, Second second) {
    const std::string in_first = given_key(first);
    const std::string in_second = given_key(second);
    if (!in_first.empty() && !in_second.empty())
      where_.fail("\"", in_first, "\" and \"", in_second, "\" exclude each other");
    if (in_first.empty() && in_second.empty())
      where_.fail("expected ", key_list(first), ", or ", key_list(second));
    in_first.empty() ? second(*this) : first(*this);
  }

 private:
  static void read(const Json& value, const Location& where, double& parameter) {
    parameter = read_number(value, where);
  }
  static void read(const Json& value, const Location& where, int& parameter) {
    parameter = read_count(value, where);
  }
  static void read(const Json& value, const Location& where, bool& parameter) {
    parameter = read_boolean(value, where);
  }
  static void read(const Json& value, const Location& where, std::optional<double>& parameter) {
    parameter = read_number(value, where);
  }
  static void read(const Json& value, const Location& where, std::vector<double>& parameter) {
    parameter = read_array(value, where, {any_size}).values;
  }
  static void read(const Json& value, const Location& where, std::string& parameter) {
    if (!value.is_string()) where.fail("expected a text, given ", describe(value));
    parameter = value.get<std::string>();
  }
  static void read(const Json& value, const Location& where, std::map<std::string, double>& parameter) {
    for (const auto& [name, number] : as_object(value, where).items())
      parameter[name] = read_number(number, where.key(name));
  }
  static void read(const Json& value, const Location& where, std::vector<int>& parameter) {
    if (!value.is_array()) where.fail("expected an array of integers, given ", describe(value));
    parameter.clear();
    for (std::size_t i = 0; i < value.size(); ++i)
      parameter.push_back(read_count(value[i], where.index(i), most_cells, 2));
  }
  static void read(const Json& value, const Location& where, Points& parameter) {
    parameter = read_array(value, where, {any_size, any_size}).points();
  }
  static void read(const Json& value, const Location& where, Eigen::VectorXd& parameter) {
    parameter = read_array(value, where, {any_size}).vector();
  }
  /// A list of d numbers, shape (d, 1), or the rows of a matrix.
  static void read(const Json& value, const Location& where, Eigen::MatrixXd& parameter) {
    const bool is_list = value.is_array() && !value.empty() && !value.front().is_array();
    const NumberArray array =
        is_list ? read_array(value, where, {any_size}) : read_array(value, where, {any_size, any_size});
    const auto rows = static_cast<Eigen::Index>(array.shape.front());
    parameter =
        Eigen::Map<const Points>(array.values.data(), rows, rows == 0 ? 0 : std::ssize(array.values) / rows);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  static void read(const Json& value, const Location& where, Enum& parameter) {
    const auto& names = names_of<Enum>();
    parameter = static_cast<Enum>(read_choice(value, where, {names.begin(), names.end()}));
  }
  template <class... Alternatives>
  static void read(const Json& value, const Location& where, std::variant<Alternatives...>& parameter) {
    parameter = read_variant<std::variant<Alternatives...>>(value, where, "beta", TypeKey::optional);
  }
  static void read(const Json& value, const Location& where, SparsePrior& parameter) {
    parameter = read_description<SparsePrior>(value, where);
  }
  static void read(const Json& value, const Location& where, NonlinearObservation& parameter) {
    parameter = read_nonlinear_observation(value, where, any_size);
  }
  static void read(const Json& value, const Location& where, LinearBeta& parameter) {
    parameter =
        std::get<LinearBeta>(read_variant<std::variant<LinearBeta>>(value, where, "beta", TypeKey::optional));
  }

  template <class Group>
  static std::vector<std::string> group_keys(Group group) {
    KeyCollector collector;
    group(collector);
    return collector.keys;
  }
  template <class Group>
  std::string given_key(Group group) const {
    for (const std::string& key : group_keys(group)) {
      if (object_.contains(key)) return key;
    }
    return {};
  }
  template <class Group>
  static std::string key_list(Group group) {
    std::string list;
    for (const std::string& key : group_keys(group)) list += (list.empty() ? "\"" : ", \"") + key + "\"";
    return list;
  }

  const Json& object_;
  const Location& where_;
};

template <class T>
inline constexpr bool is_variant = false;
template <class... Alternatives>
inline constexpr bool is_variant<std::variant<Alternatives...>> = true;

/// Calls f with a default-constructed value of each alternative that has a written form, including those of
/// nested variants.
template <class Variant, class F>
void for_each_alternative(F f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto call = [&]<class T>(std::type_identity<T> /*type*/) {
      if constexpr (is_variant<T>) {
        for_each_alternative<T>(f);
      } else if constexpr (type_name<T> != nullptr) {
        T alternative{};
        f(alternative);
      }
    };
    (call(std::type_identity<std::variant_alternative_t<I, Variant>>()), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>());
}

/// Names of all alternatives that have a written form, in order.
template <class Variant>
std::vector<std::string> alternative_names() {
  std::vector<std::string> names;
  for_each_alternative<Variant>([&]<class T>(const T&) { names.emplace_back(type_name<T>); });
  return names;
}

template <class T>
T read_description(const Json& value, const Location& where, std::vector<std::string> keys) {
  as_object(value, where);
  T description;
  KeyCollector known{std::move(keys)};
  visit_parameters(known, description);
  check_keys(value, where, known.keys);
  ParameterReader reader(value, where);
  visit_parameters(reader, description);
  return description;
}

template <class Variant>
Variant read_variant(const Json& value, const Location& where, const char* what, TypeKey type_key) {
  as_object(value, where);
  const auto names = alternative_names<Variant>();
  std::string name = names.front();
  if (type_key == TypeKey::required || value.contains("type")) {
    const Json& type = member(value, where, "type");
    if (!type.is_string())
      where.key("type").fail("expected the name of a ", what, ", given ", describe(type));
    name = type.get<std::string>();
  }
  std::optional<Variant> result;
  for_each_alternative<Variant>([&]<class T>(T& alternative) {
    if (name != type_name<T>) return;
    if constexpr (requires { alternative.integrator; }) read_integrator(value, where, alternative.integrator);
    KeyCollector known{{"type"}};
    visit_parameters(known, alternative);
    check_keys(value, where, known.keys);
    ParameterReader reader(value, where);
    visit_parameters(reader, alternative);
    result = alternative;
  });
  if (!result) where.key("type").fail(unknown_name(what, name, names));
  return *result;
}

}  // namespace gmdiff::io
