#pragma once

#include <filesystem>
#include <initializer_list>
#include <istream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/names.hpp"

// Reading of untrusted JSON. The parser rejects ambiguous and hostile text; errors name file and place.

namespace gmdiff::io {

using Json = nlohmann::json;
/// JSON that keeps the order of keys.
using OrderedJson = nlohmann::ordered_json;

/// Place of a value. Every message about the value begins with it, e.g. `p.json: prior.means: `.
class Location {
 public:
  /// @param file name in messages. @param folder base of relative paths in the file. @param files list to
  ///   which `note` appends.
  explicit Location(std::string file, std::filesystem::path folder = {},
                    std::vector<std::filesystem::path>* files = nullptr)
      : file_(std::move(file)), folder_(std::move(folder)), files_(files) {}

  const std::filesystem::path& folder() const { return folder_; }
  /// Records that a value is read from another file.
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

/// The result of make(); the place precedes its errors.
template <class F>
auto at_place(const Location& where, F make) {
  try {
    return make();
  } catch (const std::invalid_argument& error) {
    where.fail(error.what());
  }
}

/// Description of a value for messages: `"abc"`, `3.5`, `null`, `an array`, `an object`.
std::string describe(const Json& value);
using gmdiff::in_quotes;
using gmdiff::unknown_name;

/// Parses one JSON value that fills the stream. Nesting is limited, repeated keys and NUL bytes are errors.
/// @throws std::invalid_argument with line and column of a syntax error, or with the repeated key.
Json parse_json(std::istream& in, const Location& where);
OrderedJson parse_ordered_json(std::istream& in, const Location& where);

/// The value, which must be an object. @throws std::invalid_argument.
const Json& as_object(const Json& value, const Location& where);
/// The value of a required key. @throws std::invalid_argument when it is missing.
const Json& member(const Json& object, const Location& where, const char* key);
/// The value of a key, or null.
const Json* optional_member(const Json& object, const char* key);
/// @throws std::invalid_argument when the object has an unknown key; the message suggests the nearest known
///   one.
void check_keys(const Json& object, const Location& where, const std::vector<std::string>& known);

}  // namespace gmdiff::io
