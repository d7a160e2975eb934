#pragma once

#include <nanobind/nanobind.h>

namespace gmdiff::python {

/// The result of f, which runs without the interpreter's lock. Every call of the library that may take long,
/// or that may call a function of Python, needs it: two threads that wait for each other's lock would stop.
template <class F>
auto released(F f) {
  const nanobind::gil_scoped_release release;
  return f();
}

}  // namespace gmdiff::python
