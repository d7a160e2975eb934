#include "docstrings.hpp"

#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string_view>
#include <unordered_map>

namespace gmdiff::python {
namespace {

struct Entry {
  std::string_view name;
  const char* text;
};

constexpr Entry entries[] = {
#include "docstrings.inc"
};

const char* find(const std::string& name) {
  static const auto table = [] {
    std::unordered_map<std::string_view, const char*> texts;
    for (const Entry& entry : entries) texts.emplace(entry.name, entry.text);
    return texts;
  }();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace

const char* docs(const std::string& name) {
  const char* text = find(name);
  if (text == nullptr) throw std::logic_error("the public headers have no comment of " + name);
  return text;
}

const char* optional_docs(const std::string& name) {
  const char* text = find(name);
  // Members of many classes with one meaning.
  if (const auto member = name.rfind("::"); text == nullptr && member != std::string::npos)
    text = find("*" + name.substr(member));
  return text == nullptr ? "" : text;
}

namespace {

/// Whether a docstring has text besides the signature that nanobind writes into its first line.
bool has_text(const std::string& docstring) {
  const auto end = docstring.find(") -> ");
  const auto line = end == std::string::npos ? 0 : docstring.find('\n', end);
  return line != std::string::npos && docstring.find_first_not_of(" \n", line) != std::string::npos;
}

}  // namespace

void document_attributes(const nanobind::module_& module) {
  namespace nb = nanobind;
  const nb::module_ builtins = nb::module_::import_("builtins");
  const nb::object property = builtins.attr("property");
  const auto members = [&](nb::handle object) {
    return nb::cast<nb::dict>(builtins.attr("dict")(builtins.attr("vars")(object)));
  };
  for (const auto& [name, object] : members(module)) {
    if (PyType_Check(object.ptr()) == 0) continue;
    for (const auto& [key, value] : members(object)) {
      if (!value.type().is(property)) continue;
      const nb::object docstring = value.attr("__doc__");
      if (!docstring.is_none() && has_text(nb::cast<std::string>(docstring))) continue;
      const char* text = optional_docs(nb::cast<std::string>(name) + "::" + nb::cast<std::string>(key));
      nb::setattr(value, "__doc__", nb::str(text));
    }
  }
}

}  // namespace gmdiff::python
