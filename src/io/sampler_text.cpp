#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <gmdiff/io/problem_file.hpp>

#include "io/parameter_reader.hpp"
#include "io/parameter_writer.hpp"
#include "io/text_object.hpp"

namespace gmdiff {

namespace {

/// A parameter in the form that `text_object` reads, in the fewest digits.
std::string value_text(const io::OrderedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump();
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value.get<double>()).ptr};
}

/// The description with the defaults of all parameters. A guided sampler keeps its integrator, whose
/// parameters have their defaults.
template <class T>
io::OrderedJson defaults_of(const T& given) {
  T defaults;
  if constexpr (requires { given.integrator; }) {
    std::visit([&]<class Integrator>(const Integrator&) { defaults.integrator = Integrator{}; },
               given.integrator);
    io::OrderedJson json = io::write_description(defaults);
    json["integrator"] = io::write_description(T{})["integrator"];
    return json;
  } else {
    return io::write_description(defaults);
  }
}

}  // namespace

AnySampler parse_sampler(const std::string& text) {
  const io::Location where("sampler " + io::in_quotes(text));
  return io::read_variant<AnySampler>(io::text_object(text, where, "sampler", sampler_names()), where,
                                      "sampler");
}

std::vector<std::string> sampler_names() { return io::alternative_names<AnySampler>(); }

std::string to_string(const AnySampler& sampler) {
  const io::OrderedJson given = io::write_variant(sampler);
  const auto of_description = [](const auto& description) { return defaults_of(description); };
  const io::OrderedJson defaults =
      std::visit([&](const auto& kind) { return std::visit(of_description, kind); }, sampler);
  std::string text = given["type"].get<std::string>();
  for (const auto& [key, value] : given.items()) {
    if (!defaults.contains(key) || value != defaults.at(key)) text += ":" + key + "=" + value_text(value);
  }
  return text;
}

}  // namespace gmdiff
