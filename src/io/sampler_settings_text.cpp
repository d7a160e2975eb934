#include <gmdiff/io/sampler_file.hpp>

#include "io/parameter_reader.hpp"
#include "io/text_object.hpp"

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
  void boolean(const char* key, Boolean& value) {
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
  reader.choice("prior", settings.prior, PathPrior::gmp);
  reader.whole("components", settings.components);
  reader.number("init_std", settings.init_std);
  reader.number("means_std", settings.means_std);
  reader.number("step", settings.step);
  reader.whole("steps", settings.steps);
  reader.choice("schedule", settings.schedule, PathSchedule::linear);
  reader.choice("drift", settings.drift, PathDrift::zero);
  reader.choice("loss", settings.loss, PathLoss::trajectory_balance);
  reader.boolean("langevin", settings.langevin);
  reader.boolean("detach_target_score", settings.detach_target_score);
  reader.number("rate", settings.rate);
  reader.number("decay", settings.decay);
  reader.boolean("learn_prior", settings.learn_prior);
  reader.boolean("learn_annealing", settings.learn_annealing);
  reader.boolean("learn_weights", settings.learn_weights);
  reader.boolean("learn_step", settings.learn_step);
  reader.boolean("learn_friction", settings.learn_friction);
  reader.whole("refine_every", settings.refine_every);
  reader.choice("refine_score", settings.refine_score, RefinementScore::residual);
  reader.whole("chains", settings.chains);
  reader.whole("first_moves", settings.first_moves);
  reader.whole("moves", settings.moves);
  reader.number("support_std", settings.support_std);
  reader.finish();
  return settings;
}

}  // namespace gmdiff
