#pragma once

#include <nanobind/nanobind.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/network/training.hpp>

#include "arguments.hpp"
#include "io/training_settings.hpp"
#include "numbers.hpp"
#include "states.hpp"

// Settings of trainings as keywords and as dicts, and states of trainings for pickles. The keywords are those
// of io/training_settings.hpp, with `_` for `.`.

namespace gmdiff::python {

inline std::string keyword(std::string name) {
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
}

inline const char* to_name(Precision precision) { return precision == Precision::f32 ? "f32" : "f64"; }
template <class Enum>
const char* to_name(Enum value) {
  return to_string(value);
}

/// Collects the keywords of settings.
struct SettingKeys {
  std::vector<std::string> keys;

  template <class Value, class Enum>
  void choice(const char* name, const Value& /*value*/, Enum /*last*/) {
    keys.push_back(keyword(name));
  }
  template <class Value>
  void number(const char* name, const Value& /*value*/) {
    keys.push_back(keyword(name));
  }
  template <class Value>
  void whole(const char* name, const Value& /*value*/) {
    keys.push_back(keyword(name));
  }
  template <class Value>
  void flag(const char* name, const Value& /*value*/) {
    keys.push_back(keyword(name));
  }
  void seed(const char* name, std::uint64_t /*value*/) { keys.push_back(keyword(name)); }
};

/// Reads settings from arguments.
class SettingInput {
 public:
  explicit SettingInput(const Arguments& given) : given_(given) {}

  template <class Value, class Enum>
  void choice(const char* name, Value& setting, Enum last) {
    read(name, [&](auto value, auto place) {
      std::vector<std::string> names;
      for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(to_name(static_cast<Enum>(i)));
      setting = static_cast<Enum>(choice_of(value, place, names));
    });
  }
  void number(const char* name, double& setting) {
    read(name, [&](auto value, auto place) { setting = number_of(value, place); });
  }
  template <class Integer>
  void whole(const char* name, Integer& setting) {
    read(name, [&](auto value, auto place) {
      setting = static_cast<Integer>(integer_of(value, place, 0, std::numeric_limits<int>::max()));
    });
  }
  template <class Flag>
  void flag(const char* name, Flag& setting) {
    read(name, [&](auto value, auto place) { setting = truth_of(value, place); });
  }
  void seed(const char* name, std::uint64_t& setting) {
    read(name, [&](auto value, auto place) { setting = seed_of(value, place); });
  }

 private:
  template <class Read>
  void read(const char* name, Read read_value) {
    const std::string key = keyword(name);
    if (const nb::object value = given_.find(key); value.is_valid()) read_value(value, given_.place(key));
  }

  const Arguments& given_;
};

/// Settings as a dict.
class SettingOutput {
 public:
  nb::dict dict;

  template <class Enum>
  void choice(const char* name, Enum value, Enum /*last*/) {
    set(name, nb::str(to_name(value)));
  }
  template <class Enum>
  void choice(const char* name, const std::optional<Enum>& value, Enum /*last*/) {
    set(name, value ? nb::object(nb::str(to_name(*value))) : nb::object(nb::none()));
  }
  void number(const char* name, double value) { set(name, nb::float_(value)); }
  template <class Integer>
  void whole(const char* name, Integer value) {
    set(name, nb::int_(value));
  }
  void flag(const char* name, bool value) { set(name, nb::bool_(value)); }
  void flag(const char* name, const std::optional<bool>& value) {
    set(name, value ? nb::object(nb::bool_(*value)) : nb::object(nb::none()));
  }
  void seed(const char* name, std::uint64_t value) { set(name, nb::int_(value)); }

 private:
  void set(const char* name, const nb::object& value) { dict[keyword(name).c_str()] = value; }
};

/// The list of a kind of settings, as an object that visits it.
struct OfDenoiser {
  template <class Visitor>
  static void visit(Visitor& visitor, DenoiserSettings& settings) {
    visit_denoiser_settings(visitor, settings);
  }
};
struct OfSampler {
  template <class Visitor>
  static void visit(Visitor& visitor, SamplerSettings& settings) {
    visit_sampler_settings(visitor, settings);
  }
};

/// The state of settings, as the dict of their keywords.
template <class Settings, class Of>
struct SettingsCodec {
  static nb::object write(Settings settings) {
    SettingOutput output;
    Of::visit(output, settings);
    return output.dict;
  }
  static Settings read(nb::handle state) {
    SettingKeys keys;
    Settings settings;
    Of::visit(keys, settings);
    const Arguments given("settings", keys.keys, 0, nb::args(), nb::cast<nb::kwargs>(state));
    SettingInput input(given);
    Of::visit(input, settings);
    return settings;
  }
};
template <>
struct Codec<DenoiserSettings> : SettingsCodec<DenoiserSettings, OfDenoiser> {};
template <>
struct Codec<SamplerSettings> : SettingsCodec<SamplerSettings, OfSampler> {};
template <>
struct StateOf<AdamState> {
  static constexpr AllMembers members{&AdamState::m, &AdamState::v, &AdamState::updates};
};
template <>
struct StateOf<DenoiserTraining> {
  static constexpr AllMembers members{&DenoiserTraining::settings,   &DenoiserTraining::mean,
                                      &DenoiserTraining::scale,      &DenoiserTraining::iteration,
                                      &DenoiserTraining::parameters, &DenoiserTraining::averaged,
                                      &DenoiserTraining::adam};
};
template <>
struct StateOf<SamplerTraining> {
  static constexpr AllMembers members{
      &SamplerTraining::settings,  &SamplerTraining::dim,          &SamplerTraining::target,
      &SamplerTraining::iteration, &SamplerTraining::parameters,   &SamplerTraining::networks,
      &SamplerTraining::adam,      &SamplerTraining::network_adam, &SamplerTraining::active,
      &SamplerTraining::chains,    &SamplerTraining::chain_step};
};

}  // namespace gmdiff::python
