#include "io/dynamics_json.hpp"

#include "io/mixture_json.hpp"
#include "io/named_dynamics_json.hpp"
#include "io/parameter_reader.hpp"
#include "io/parameter_writer.hpp"

namespace gmdiff::io {
namespace {

std::vector<std::string> read_texts(const Json& value, const Location& where) {
  if (!value.is_array() || value.empty()) where.fail("expected a list of texts, given ", describe(value));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_string()) where.index(i).fail("expected a text, given ", describe(value[i]));
    texts.push_back(value[i].get<std::string>());
  }
  return texts;
}

DynamicsNoise read_noise(const Json& value, const Location& where) {
  if (value.is_number()) return read_number(value, where);
  if (!value.is_array() || value.empty())
    where.fail("expected a number, a list of numbers or a list of texts, given ", describe(value));
  if (value.front().is_string()) return read_texts(value, where);
  return read_array(value, where, {any_size}).values;
}

DynamicsStart read_start(const Json& value, const Location& where) {
  if (value.is_string()) {
    read_choice(value, where, {"exact"});
    return ExactStart{};
  }
  as_object(value, where);
  ParameterReader reader(value, where);
  if (value.contains("point")) {
    check_keys(value, where, {"point"});
    PointStart start;
    reader.required("point", start.point);
    return start;
  }
  if (value.contains("weights")) return read_mixture(value, where);
  check_keys(value, where, {"point", "mean", "std", "weights"});
  GaussianStart start;
  reader.optional("mean", start.mean);
  reader.optional("std", start.std);
  return start;
}

Scheme read_scheme(const Json& value, const Location& where) {
  std::vector<std::string> names;
  for (const Scheme scheme : all_schemes()) names.emplace_back(to_string(scheme));
  return all_schemes()[read_choice(value, where, names)];
}

OrderedJson start_json(const DynamicsStart& start) {
  if (std::holds_alternative<ExactStart>(start)) return "exact";
  OrderedJson object;
  ParameterWriter writer(object);
  if (const auto* point = std::get_if<PointStart>(&start)) {
    writer.required("point", point->point);
    return object;
  }
  if (const auto* mixture = std::get_if<Mixture>(&start)) return write_mixture(*mixture);
  const auto& gaussian = std::get<GaussianStart>(start);
  if (!gaussian.mean.empty()) writer.required("mean", gaussian.mean);
  writer.required("std", gaussian.std);
  return object;
}

/// Keys of dynamics of texts and of dynamics by name.
const std::vector<std::string>& common_keys() {
  static const std::vector<std::string> keys{"t_start", "t_end", "steps", "scheme", "start", "path_steps"};
  return keys;
}

Dynamics read_texts_of_dynamics(const Json& value, const Location& where) {
  std::vector<std::string> keys{"drift", "noise", "parameters"};
  keys.insert(keys.end(), common_keys().begin(), common_keys().end());
  check_keys(value, where, keys);
  Dynamics dynamics{.drift = read_texts(member(value, where, "drift"), where.key("drift"))};
  if (const Json* noise = optional_member(value, "noise"))
    dynamics.noise = read_noise(*noise, where.key("noise"));
  ParameterReader(value, where).optional("parameters", dynamics.parameters);
  return dynamics;
}

/// Drift and noise.
OrderedJson write_texts_of_dynamics(const Dynamics& dynamics) {
  OrderedJson object;
  object["drift"] = dynamics.drift;
  ParameterWriter writer(object);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&dynamics.noise)) {
    object["noise"] = *texts;
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&dynamics.noise)) {
    writer.required("noise", *numbers);
  } else {
    writer.required("noise", std::get<double>(dynamics.noise));
  }
  if (!dynamics.parameters.empty()) writer.required("parameters", dynamics.parameters);
  return object;
}

}  // namespace

Dynamics read_dynamics(const Json& value, const Location& where) {
  as_object(value, where);
  Dynamics dynamics = value.contains("type") ? read_named_dynamics(value, where, common_keys())
                                             : read_texts_of_dynamics(value, where);
  ParameterReader reader(value, where);
  reader.optional("t_start", dynamics.t_start);
  reader.optional("t_end", dynamics.t_end);
  reader.optional("steps", dynamics.steps);
  reader.optional("path_steps", dynamics.path_steps);
  if (const Json* scheme = optional_member(value, "scheme"))
    dynamics.scheme = read_scheme(*scheme, where.key("scheme"));
  if (const Json* start = optional_member(value, "start"))
    dynamics.start = read_start(*start, where.key("start"));
  return dynamics;
}

OrderedJson write_dynamics(const Dynamics& dynamics) {
  require(!dynamics.custom_drift && !dynamics.custom_noise,
          "to_json: a drift or a noise given by a function (CustomField) has no JSON form");
  OrderedJson object =
      dynamics.named ? write_named_dynamics(*dynamics.named) : write_texts_of_dynamics(dynamics);
  ParameterWriter writer(object);
  writer.required("t_start", dynamics.t_start);
  writer.required("t_end", dynamics.t_end);
  writer.required("steps", dynamics.steps);
  if (dynamics.path_steps != 0) writer.required("path_steps", dynamics.path_steps);
  object["scheme"] = to_string(dynamics.scheme);
  object["start"] = start_json(dynamics.start);
  return object;
}

}  // namespace gmdiff::io
