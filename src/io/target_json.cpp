#include "io/target_json.hpp"

#include <filesystem>

#include <gmdiff/io/logistic_csv.hpp>

#include "io/parameter_reader.hpp"

namespace gmdiff::io {
namespace {

/// Whether a target is a logistic regression whose data is the path of a .csv file.
bool has_csv(const Json& target) {
  const Json* type = optional_member(target, "type");
  const Json* data = optional_member(target, "data");
  return type != nullptr && *type == Logistic::name && data != nullptr && data->is_string() &&
         data->get_ref<const std::string&>().ends_with(".csv");
}

Logistic read_csv_target(const Json& target, const Location& where) {
  check_keys(target, where, {"type", "data", "standardise", "prior_std"});
  const std::filesystem::path file = where.folder() / target.at("data").get<std::string>();
  Standardise standardise = Standardise::none;
  if (const Json* value = optional_member(target, "standardise"))
    standardise = static_cast<Standardise>(
        read_choice(*value, where.key("standardise"), {"none", "scale", "center-scale"}));
  Logistic logistic = at_place(where.key("data"), [&] { return read_logistic(file, standardise); });
  where.note(file);
  if (const Json* value = optional_member(target, "prior_std"))
    logistic.prior_std = read_number(*value, where.key("prior_std"));
  return logistic;
}

}  // namespace

Target read_target(const Json& value, const Location& where) {
  const Json& target = as_object(value, where);
  const TargetDescription description = has_csv(target)
                                            ? TargetDescription(read_csv_target(target, where))
                                            : read_variant<TargetDescription>(target, where, "target");
  return at_place(where, [&] { return Target(description); });
}

}  // namespace gmdiff::io
