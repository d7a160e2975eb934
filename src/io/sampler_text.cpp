#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <gmdiff/io/problem_file.hpp>

#include "io/parameter_reader.hpp"
#include "io/parameter_writer.hpp"

namespace gmdiff {

namespace {

/// Returns the text before the separator and removes both from `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

/// Converts a value of the command line to JSON: a number, true, false or a string.
io::Json read_value(std::string_view text, const io::Location& where) {
  if (text == "true" || text == "false") return text == "true";
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::string(text);
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) where.fail("number out of range: ", io::in_quotes(text));
  return error == std::errc() && end == text.data() + text.size() ? io::Json(number)
                                                                  : io::Json(std::string(text));
}

/// A parameter in the form that `read_value` reads, in the fewest digits.
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
  std::string_view rest = text;
  const std::string name(take_until(rest, ':'));
  const auto names = sampler_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    where.fail(io::unknown_name("sampler", name, names));
  if (text.ends_with(':')) where.fail("expected key=value after ':'");
  io::Json object = {{"type", name}};
  while (!rest.empty()) {
    std::string_view value = take_until(rest, ':');
    if (value.find('=') == std::string_view::npos)
      where.fail("expected key=value, given ", io::in_quotes(value));
    const std::string key(take_until(value, '='));
    if (object.contains(key))
      where.fail(key == "type" ? "the name stands first, not under the key " : "repeated key ",
                 io::in_quotes(key));
    object[key] = read_value(value, where.key(key));
  }
  return io::read_variant<AnySampler>(object, where, "sampler");
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
