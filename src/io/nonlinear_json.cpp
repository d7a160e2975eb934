#include "io/nonlinear_json.hpp"

#include <algorithm>
#include <stdexcept>

#include "io/json_output.hpp"
#include "io/number_array.hpp"
#include "io/parameter_reader.hpp"

namespace gmdiff::io {
namespace {

constexpr const char* range_type = "range";
constexpr const char* expression_type = "expression";

RangeMap read_range(const Json& value, const Location& where, std::int64_t d) {
  check_keys(value, where, {"type", "anchors"});
  return {.anchors =
              read_array(member(value, where, "anchors"), where.key("anchors"), {any_size, d}).points()};
}

ExpressionMap read_expressions(const Json& value, const Location& where, std::int64_t d) {
  std::vector<std::string> keys{"type", "texts", "parameters"};
  if (d == any_size) keys.emplace_back("dim");
  check_keys(value, where, keys);
  constexpr int max_dim = 1'000'000;
  ExpressionMap map;
  map.dim = d == any_size ? read_count(member(value, where, "dim"), where.key("dim"), max_dim)
                          : static_cast<int>(d);
  const Json& texts = member(value, where, "texts");
  const Location place = where.key("texts");
  if (!texts.is_array()) place.fail("expected a list of texts, given ", describe(texts));
  map.texts.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].is_string()) place.index(i).fail("expected a text, given ", describe(texts[i]));
    map.texts.push_back(texts[i].get<std::string>());
  }
  ParameterReader(value, where).optional("parameters", map.parameters);
  return map;
}

ElementwiseMap read_elementwise(const Json& value, const Location& where, MapFunction function,
                                std::int64_t d) {
  check_keys(value, where, {"type", "A", "b"});
  ElementwiseMap map{.function = function};
  map.A = read_array(member(value, where, "A"), where.key("A"), {any_size, d}).points();
  if (const Json* b = optional_member(value, "b"))
    map.b = read_array(*b, where.key("b"), {map.A.rows()}).vector();
  return map;
}

MapDescription read_map(const Json& value, const Location& where, std::int64_t d) {
  as_object(value, where);
  const Json& type = member(value, where, "type");
  const Location place = where.key("type");
  if (!type.is_string()) place.fail("expected the name of a map, given ", describe(type));
  const auto& name = type.get_ref<const std::string&>();
  const std::vector<std::string> names = map_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) place.fail(unknown_name("map", name, names));
  if (name == range_type) return read_range(value, where, d);
  if (name == expression_type) return read_expressions(value, where, d);
  // The functions are the first names, in the order of their enumeration.
  return read_elementwise(value, where, static_cast<MapFunction>(found - names.begin()), d);
}

OrderedJson write_map(const char* name, const ElementwiseMap& map) {
  OrderedJson object = {{"type", name}, {"A", json_points(map.A)}};
  if (map.b.size() > 0) object["b"] = json_vector(map.b);
  return object;
}
OrderedJson write_map(const char* name, const RangeMap& map) {
  return {{"type", name}, {"anchors", json_points(map.anchors)}};
}
OrderedJson write_map(const char* name, const ExpressionMap& map) {
  OrderedJson object = {{"type", name}, {"texts", map.texts}};
  if (map.parameters.empty()) return object;
  OrderedJson& parameters = object["parameters"] = OrderedJson::object();
  for (const auto& [key, number] : map.parameters) parameters[key] = json_number(number);
  return object;
}

OrderedJson write_map(const char* /*name*/, const CustomMap& /*map*/) {
  fail("to_json: a map given by functions (CustomMap) has no JSON form");
}

NonlinearObservation read_checked(const Json& value, const Location& where, std::int64_t d) {
  MapDescription map = read_map(member(value, where, "map"), where.key("map"), d);
  Eigen::VectorXd y = read_array(member(value, where, "y"), where.key("y"), {any_size}).vector();
  const Json* noise_std = optional_member(value, "noise_std");
  const Json* noise_covariance = optional_member(value, "noise_covariance");
  if (noise_std != nullptr && noise_covariance != nullptr)
    where.fail("\"noise_std\" and \"noise_covariance\" exclude each other");
  if (noise_std != nullptr) {
    const double std = read_number(*noise_std, where.key("noise_std"));
    return at_place(where, [&] { return NonlinearObservation(std::move(map), std::move(y), std); });
  }
  if (noise_covariance == nullptr) where.fail("missing key \"noise_std\" (or \"noise_covariance\")");
  const auto R = read_array(*noise_covariance, where.key("noise_covariance"), {y.size(), y.size()});
  return at_place(where, [&] {
    return NonlinearObservation(std::move(map), std::move(y), Eigen::MatrixXd(R.points()),
                                R.relative_precision);
  });
}

}  // namespace

NonlinearObservation read_nonlinear_observation(const Json& value, const Location& where, std::int64_t d) {
  as_object(value, where);
  check_keys(value, where, {"map", "y", "noise_std", "noise_covariance"});
  return read_checked(value, where, d);
}

OrderedJson write_nonlinear_observation(const NonlinearObservation& observation, MapDimension dimension) {
  OrderedJson object;
  object["map"] = std::visit([&](const auto& map) { return write_map(name_of(observation.map()), map); },
                             observation.map());
  const bool has_texts = std::holds_alternative<ExpressionMap>(observation.map());
  if (has_texts && dimension == MapDimension::written) object["map"]["dim"] = observation.dim();
  object["y"] = json_vector(observation.y());
  if (observation.has_noise_std()) {
    object["noise_std"] = json_number(observation.noise_std());
  } else {
    object["noise_covariance"] = json_points(observation.noise_covariance());
  }
  return object;
}

}  // namespace gmdiff::io
