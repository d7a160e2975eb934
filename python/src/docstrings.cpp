#include "docstrings.hpp"

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

}  // namespace gmdiff::python
