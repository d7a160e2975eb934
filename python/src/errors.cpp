#include "errors.hpp"

#include <gmdiff/base/error.hpp>
#include <gmdiff/device/samples.hpp>

#include "bindings.hpp"
#include "docstrings.hpp"

namespace nb = nanobind;

namespace gmdiff::python {
namespace {

/// The classes of the package's exceptions. They live as long as the interpreter.
struct Classes {
  PyObject* device = nullptr;
  PyObject* unavailable = nullptr;
  PyObject* non_finite = nullptr;
  PyObject* weight = nullptr;
  PyObject* interrupted = nullptr;
  PyObject* warning = nullptr;
};
Classes classes;

PyObject* new_class(nb::module_& module, const char* name, const char* documented, PyObject* base) {
  const std::string full = std::string("gmdiff.") + name;
  PyObject* made = PyErr_NewExceptionWithDoc(full.c_str(), docs(documented), base, nullptr);
  if (made == nullptr) throw nb::python_error();
  module.attr(name) = nb::borrow(made);
  return made;
}

void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const DeviceUnavailable& error) {
    PyErr_SetString(classes.unavailable, error.what());
  } catch (const DeviceError& error) {
    PyErr_SetString(classes.device, error.what());
  } catch (const NonFiniteError& error) {
    PyErr_SetString(classes.non_finite, error.what());
  } catch (const WeightError& error) {
    PyErr_SetString(classes.weight, error.what());
  }
}

}  // namespace

nb::handle interrupted_error() { return classes.interrupted; }
nb::handle run_warning() { return classes.warning; }

void bind_errors(nb::module_& module) {
  classes.device = new_class(module, "DeviceError", "DeviceError", PyExc_RuntimeError);
  classes.unavailable = new_class(module, "DeviceUnavailable", "DeviceUnavailable", classes.device);
  classes.non_finite = new_class(module, "NonFiniteError", "NonFiniteError", PyExc_ArithmeticError);
  classes.weight = new_class(module, "WeightError", "WeightError", PyExc_ArithmeticError);
  classes.interrupted = new_class(module, "Interrupted", "Interrupted", PyExc_RuntimeError);
  classes.warning = new_class(module, "RunWarning", "Provenance::warnings", PyExc_UserWarning);
  nb::register_exception_translator(translate);
}

}  // namespace gmdiff::python
