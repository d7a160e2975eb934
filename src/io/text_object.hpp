#pragma once

#include <string>
#include <vector>

#include "io/json_input.hpp"

namespace gmdiff::io {

/// The text `name:key=value:key=value` as an object {"type": name, key: value}. A value is a number, true,
/// false or a string.
/// @param what names the kind in messages. @throws std::invalid_argument for a name that is none of `names`
///   and for what is no such text.
Json text_object(const std::string& text, const Location& where, const char* what,
                 const std::vector<std::string>& names);

}  // namespace gmdiff::io
