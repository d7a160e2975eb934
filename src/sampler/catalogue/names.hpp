#pragma once

#include <array>
#include <string_view>

// Tables of names. Each table has one entry per type; a type without an entry does not compile.

namespace gmdiff::catalogue {

/// Depends on T, so that a static_assert on it fails only where a template is used.
template <class T>
inline constexpr bool is_listed = false;

template <class T>
consteval const char* missing_type_name() {
  static_assert(
      is_listed<T>,
      "this type needs a type_name in the catalogue, or a null one that says it has no written form");
  return nullptr;
}
template <class Enum>
consteval std::array<const char*, 1> missing_enum_names() {
  static_assert(is_listed<Enum>, "this enumeration needs enum_names in the catalogue");
  return {};
}

/// Name in the catalogue; null for a type that has no written form. A type without an entry does not compile.
template <class T>
inline constexpr const char* type_name = missing_type_name<T>();

/// Samplers and targets have their name as a member.
template <class T>
requires requires { T::name; }
inline constexpr const char* type_name<T> = T::name;

/// Names of an enumeration's values in their order; the array has one entry per value. Read through
/// `names_of`.
template <class Enum>
inline constexpr auto enum_names = missing_enum_names<Enum>();

/// Whether the value has an enumerator. Compilers print one without as a cast: "(gmdiff::Start)2".
template <auto value>
consteval bool is_enumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") == std::string_view::npos;
}

/// The names of an enumeration; does not compile while a value has no name, or a name no value.
template <class Enum>
constexpr const auto& names_of() {
  constexpr auto count = enum_names<Enum>.size();
  static_assert(is_enumerator<static_cast<Enum>(count - 1)>() && !is_enumerator<static_cast<Enum>(count)>(),
                "enum_names must hold one name for each value of the enumeration");
  return enum_names<Enum>;
}

}  // namespace gmdiff::catalogue
