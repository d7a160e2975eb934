#include <gmdiff/io/sampler_file.hpp>

#include <algorithm>

#include "io/parameter_reader.hpp"
#include "io/sampler_settings.hpp"
#include "io/text_object.hpp"
#include "io/training_settings.hpp"

namespace gmdiff {

namespace {

/// Names of an enumeration whose last member is `last`, in order.
template <class Enum>
std::vector<std::string> names_until(Enum last) {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(to_string(static_cast<Enum>(i)));
  return names;
}

/// Reads keys of an object and keeps their names.
class SettingsReader {
 public:
  SettingsReader(const io::Json& object, const io::Location& where) : object_(object), where_(where) {}

  template <class Enum>
  void choice(const char* key, Enum& value, Enum last) {
    read(key, [&](const io::Json& json, const io::Location& at) {
      value = static_cast<Enum>(io::read_choice(json, at, names_until(last)));
    });
  }
  void number(const char* key, double& value) {
    read(key, [&](const io::Json& json, const io::Location& at) { value = io::read_number(json, at); });
  }
  template <class Integer>
  void whole(const char* key, Integer& value) {
    read(key, [&](const io::Json& json, const io::Location& at) { value = io::read_count(json, at); });
  }
  template <class Boolean>
  void flag(const char* key, Boolean& value) {
    read(key, [&](const io::Json& json, const io::Location& at) { value = io::read_boolean(json, at); });
  }
  /// @throws std::invalid_argument for a key that was not read.
  void finish() const { io::check_keys(object_, where_, keys_); }

 private:
  template <class F>
  void read(const char* key, F f) {
    keys_.emplace_back(key);
    if (const io::Json* value = io::optional_member(object_, key)) f(*value, where_.key(key));
  }

  const io::Json& object_;
  const io::Location& where_;
  std::vector<std::string> keys_{"type"};
};

/// Writes the settings that differ from those of a default description.
class SettingsWriter {
 public:
  SettingsWriter(io::OrderedJson& object, const io::OrderedJson* defaults)
      : object_(object), defaults_(defaults) {}

  template <class Enum>
  void choice(const char* key, Enum value, Enum /*last*/) {
    write(key, to_string(value));
  }
  void number(const char* key, double value) { write(key, value); }
  void whole(const char* key, auto value) { write(key, value); }
  void flag(const char* key, bool value) { write(key, value); }
  /// One that is unset is written as a missing key.
  void flag(const char* key, const std::optional<bool>& value) {
    if (value) write(key, *value);
  }

 private:
  void write(const char* key, const io::OrderedJson& value) {
    if (defaults_ == nullptr || !defaults_->contains(key) || defaults_->at(key) != value)
      object_[key] = value;
  }

  io::OrderedJson& object_;
  const io::OrderedJson* defaults_;
};

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names = names_until(PathMethod::dbs);
  return names;
}

}  // namespace

bool io::is_trainable(const Json& sampler) {
  const Json* type = sampler.is_object() ? optional_member(sampler, "type") : nullptr;
  if (type == nullptr || !type->is_string() || *type == to_string(PathMethod::ula)) return false;
  return std::ranges::count(method_names(), type->get_ref<const std::string&>()) > 0;
}

SamplerSettings io::read_sampler_settings(const Json& object, const Location& where) {
  SamplerSettings settings;
  SettingsReader reader(object, where);
  settings.method =
      static_cast<PathMethod>(read_choice(member(object, where, "type"), where.key("type"), method_names()));
  visit_method_settings(reader, settings);
  reader.finish();
  return settings;
}

io::OrderedJson io::write_sampler_settings(const SamplerSettings& settings) {
  OrderedJson defaults, object = {{"type", to_string(settings.method)}};
  SettingsWriter of_defaults(defaults, nullptr);
  const SamplerSettings unchanged;
  visit_method_settings(of_defaults, unchanged);
  SettingsWriter writer(object, &defaults);
  visit_method_settings(writer, settings);
  return object;
}

SamplerSettings parse_sampler_settings(const std::string& text) {
  const io::Location where("trained sampler " + io::in_quotes(text));
  return io::read_sampler_settings(io::text_object(text, where, "method", method_names()), where);
}

}  // namespace gmdiff
