#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmdiff/base/points.hpp>

#include "numbers.hpp"

// States of objects for pickles and copies: a structure as a tuple of its members, vectors and matrices as
// arrays of NumPy. Objects that hold a function of Python, or memory that another process cannot see, have
// none.

namespace gmdiff::python {

/// The members that make up the state of a structure; specialised for every such structure.
template <class T>
struct StateOf {};

/// A number of bytes that the members of a structure take, one after the other.
template <class... M>
constexpr std::size_t bytes_of_members() {
  std::size_t bytes = 0;
  ((bytes = (bytes + alignof(M) - 1) / alignof(M) * alignof(M) + sizeof(M)), ...);
  return bytes;
}

/// All members of a structure in their order. One that is forgotten leaves a gap and does not compile, unless
/// padding hides it.
template <class T, class... M>
struct AllMembers {
  std::tuple<M T::*...> pointers;

  constexpr explicit AllMembers(M T::*... members) : pointers(members...) {
    static_assert((bytes_of_members<M...>() + alignof(T) - 1) / alignof(T) * alignof(T) == sizeof(T));
  }
};

template <class T>
nb::object to_state(const T& value);
template <class T>
T from_state(nb::handle state);

/// The state of a value. The general one is that of a class of Python.
template <class T, class = void>
struct Codec {
  static nb::object write(const T& value) { return nb::cast(value); }
  static T read(nb::handle state) { return nb::cast<const T&>(state); }
};
template <class T>
struct Codec<T, std::void_t<decltype(StateOf<T>::members)>> {
  static nb::object write(const T& value) {
    return std::apply(
        [&](auto... member) -> nb::object { return nb::make_tuple(to_state(value.*member)...); },
        StateOf<T>::members.pointers);
  }
  static T read(nb::handle state) {
    const auto parts = nb::cast<nb::tuple>(state);
    return read_parts(parts, StateOf<T>::members, std::make_index_sequence<size>());
  }

 private:
  static constexpr std::size_t size = std::tuple_size_v<decltype(StateOf<T>::members.pointers)>;
  template <class... M, std::size_t... i>
  static T read_parts(const nb::tuple& parts, const AllMembers<T, M...>& /*members*/,
                      std::index_sequence<i...>) {
    return T{from_state<M>(nb::object(parts[i]))...};
  }
};
template <class T>
struct Codec<T, std::enable_if_t<std::is_arithmetic_v<T>>> {
  static nb::object write(T value) { return nb::cast(value); }
  static T read(nb::handle state) { return nb::cast<T>(state); }
};
template <class T>
struct Codec<T, std::enable_if_t<std::is_enum_v<T>>> {
  static nb::object write(T value) { return nb::int_(static_cast<int>(value)); }
  static T read(nb::handle state) { return static_cast<T>(nb::cast<int>(state)); }
};
template <>
struct Codec<std::string> {
  static nb::object write(const std::string& value) { return nb::str(value.c_str(), value.size()); }
  static std::string read(nb::handle state) { return nb::cast<nb::str>(state).c_str(); }
};
template <class T>
struct Codec<std::optional<T>> {
  static nb::object write(const std::optional<T>& value) {
    return value ? nb::object(nb::make_tuple(to_state(*value))) : nb::none();
  }
  static std::optional<T> read(nb::handle state) {
    if (state.is_none()) return {};
    return from_state<T>(nb::object(nb::cast<nb::tuple>(state)[0]));
  }
};
template <>
struct Codec<std::map<std::string, double>> {
  static nb::object write(const std::map<std::string, double>& value) {
    nb::dict state;
    for (const auto& [name, number] : value) state[name.c_str()] = number;
    return state;
  }
  static std::map<std::string, double> read(nb::handle state) {
    std::map<std::string, double> value;
    for (const auto& [name, number] : nb::cast<nb::dict>(state))
      value[nb::cast<nb::str>(name).c_str()] = nb::cast<double>(number);
    return value;
  }
};

/// The values of an array in its state.
template <class T, std::size_t rank>
using StateArray = nb::ndarray<const T, nb::ndim<rank>, nb::c_contig, nb::device::cpu>;

template <class T>
struct Codec<std::vector<T>> {
  static constexpr bool is_array = std::is_arithmetic_v<T>;

  static nb::object write(const std::vector<T>& value) {
    if constexpr (is_array) {
      return array(value, {value.size()});
    } else {
      nb::list state;
      for (const T& entry : value) state.append(to_state(entry));
      return state;
    }
  }
  static std::vector<T> read(nb::handle state) {
    if constexpr (is_array) {
      const auto values = nb::cast<StateArray<T, 1>>(state);
      return std::vector<T>(values.data(), values.data() + values.size());
    } else {
      std::vector<T> value;
      const auto entries = nb::cast<nb::list>(state);
      value.reserve(nb::len(entries));
      for (const nb::handle entry : entries) value.push_back(from_state<T>(entry));
      return value;
    }
  }
};
template <>
struct Codec<Eigen::VectorXd> {
  static nb::object write(const Eigen::VectorXd& value) { return array(value); }
  static Eigen::VectorXd read(nb::handle state) {
    const auto values = nb::cast<StateArray<double, 1>>(state);
    return Eigen::Map<const Eigen::VectorXd>(values.data(), static_cast<Eigen::Index>(values.size()));
  }
};
template <>
struct Codec<Points> {
  static nb::object write(const Points& value) { return array(value); }
  static Points read(nb::handle state) {
    const auto values = nb::cast<StateArray<double, 2>>(state);
    return Eigen::Map<const Points>(values.data(), static_cast<Eigen::Index>(values.shape(0)),
                                    static_cast<Eigen::Index>(values.shape(1)));
  }
};
template <>
struct Codec<Eigen::MatrixXd> {
  static nb::object write(const Eigen::MatrixXd& value) { return array(value); }
  static Eigen::MatrixXd read(nb::handle state) { return Codec<Points>::read(state); }
};

template <class T>
nb::object to_state(const T& value) {
  return Codec<T>::write(value);
}
template <class T>
T from_state(nb::handle state) {
  return Codec<T>::read(state);
}

/// Pickles objects of a class by the functions `write(self)` and `read(state)`. A ValueError of `write`
/// becomes a TypeError, as other objects give that cannot be pickled.
template <class T, class Write, class Read>
void def_state(nb::class_<T>& made, Write write, Read read) {
  made.def("__getstate__", [write](const T& self) {
    try {
      return nb::object(write(self));
    } catch (const std::invalid_argument& error) {
      throw nb::type_error(error.what());
    }
  });
  made.def("__setstate__", [read](T& self, const nb::object& state) { new (&self) T(read(state)); });
}
/// Adds the methods for pickles of a structure with the members `StateOf`.
template <class T>
void def_state(nb::class_<T>& made) {
  def_state(made, &Codec<T>::write, &Codec<T>::read);
}

/// Objects that never change are their own copies.
template <class T>
void def_copies(nb::class_<T>& made) {
  made.def("__copy__", [](const nb::object& self) { return self; });
  made.def(
      "__deepcopy__", [](const nb::object& self, nb::handle /*memo*/) { return self; }, nb::arg("memo"));
}

/// Refuses pickles with a TypeError: otherwise Python would write an object without its content.
/// @param reason "CustomTarget: holds a function ..."
template <class T>
void refuse_pickles(nb::class_<T>& made, const char* reason) {
  made.def(
      "__reduce__", [reason](nb::handle /*self*/) -> nb::object { throw nb::type_error(reason); },
      nb::sig("def __reduce__(self) -> typing.NoReturn"));
}

}  // namespace gmdiff::python
