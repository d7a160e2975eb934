#include "io/text_object.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

namespace gmdiff::io {

namespace {

/// Returns the text before the separator and removes both from `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

/// Converts a value of the command line to JSON: a number, true, false or a string.
Json read_value(std::string_view text, const Location& where) {
  if (text == "true" || text == "false") return text == "true";
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return std::string(text);
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) where.fail("number out of range: ", in_quotes(text));
  return error == std::errc() && end == text.data() + text.size() ? Json(number) : Json(std::string(text));
}

}  // namespace

Json text_object(const std::string& text, const Location& where, const char* what,
                 const std::vector<std::string>& names) {
  std::string_view rest = text;
  const std::string name(take_until(rest, ':'));
  if (std::find(names.begin(), names.end(), name) == names.end()) where.fail(unknown_name(what, name, names));
  if (text.ends_with(':')) where.fail("expected key=value after ':'");
  Json object = {{"type", name}};
  while (!rest.empty()) {
    std::string_view value = take_until(rest, ':');
    if (value.find('=') == std::string_view::npos) where.fail("expected key=value, given ", in_quotes(value));
    const std::string key(take_until(value, '='));
    if (object.contains(key))
      where.fail(key == "type" ? "the name stands first, not under the key " : "repeated key ",
                 in_quotes(key));
    object[key] = read_value(value, where.key(key));
  }
  return object;
}

}  // namespace gmdiff::io
