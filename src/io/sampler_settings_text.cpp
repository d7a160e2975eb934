#include <gmdiff/io/sampler_file.hpp>

#include "io/parameter_reader.hpp"
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

}  // namespace

SamplerSettings parse_sampler_settings(const std::string& text) {
  const io::Location where("trained sampler " + io::in_quotes(text));
  const std::vector<std::string> methods = names_until(PathMethod::dbs);
  const io::Json object = io::text_object(text, where, "method", methods);
  SamplerSettings settings;
  SettingsReader reader(object, where);
  settings.method = static_cast<PathMethod>(io::read_choice(object["type"], where, methods));
  visit_method_settings(reader, settings);
  reader.finish();
  return settings;
}

}  // namespace gmdiff
