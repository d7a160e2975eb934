#pragma once

#include <filesystem>
#include <initializer_list>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/check.hpp"

// JSON from outside: parsing that refuses what is ambiguous or hostile, and errors that name file and place.

namespace gmdiff::io {

using Json = nlohmann::json;
/// Keeps the order of its keys.
using OrderedJson = nlohmann::ordered_json;

/// Place of a value: the start of every message about it, e.g. `p.json: prior.means: `.
class Location {
 public:
  /// @param file name in messages. @param folder where relative paths in the file start. @param files where `note` puts files.
  explicit Location(std::string file, std::filesystem::path folder = {}, std::vector<std::filesystem::path>* files = nullptr)
      : file_(std::move(file)), folder_(std::move(folder)), files_(files) {}

  const std::filesystem::path& folder() const { return folder_; }
  /// Remembers a file that is read for a value here.
  void note(const std::filesystem::path& file) const {
    if (files_ != nullptr) files_->push_back(file);
  }
  /// Place of the value under a key.
  Location key(std::string_view name) const;
  /// Place of an array's element.
  Location index(std::size_t i) const;
  /// `file: path: `, or `file: ` at the top.
  std::string prefix() const;

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    gmdiff::fail(prefix(), parts...);
  }

 private:
  std::string file_;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path>* files_;
  std::string path_;
};

/// Text in double quotes for a message: printable ASCII, shortened when long.
std::string in_quotes(std::string_view text);
/// What a value is, for a message: `"abc"`, `3.5`, `null`, `an array`, `an object`.
std::string describe(const Json& value);
/// `unknown <what> "<name>"` with the nearest known name and all known ones.
std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);

/// Parses one JSON value that fills the stream. Nesting is limited, repeated keys and NUL bytes are errors.
/// @throws std::invalid_argument saying where the text is not JSON (line and column) or which key is repeated.
Json parse_json(std::istream& in, const Location& where);
OrderedJson parse_ordered_json(std::istream& in, const Location& where);

/// The value, which must be an object. @throws std::invalid_argument.
const Json& as_object(const Json& value, const Location& where);
/// The value under a key that must be there. @throws std::invalid_argument.
const Json& member(const Json& object, const Location& where, const char* key);
/// The value under a key, or null.
const Json* optional_member(const Json& object, const char* key);
/// @throws std::invalid_argument when the object has a key that is not known, with the nearest one.
void check_keys(const Json& object, const Location& where, const std::vector<std::string>& known);

}  // namespace gmdiff::io
