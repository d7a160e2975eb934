#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmdiff/base/points.hpp>
#include <gmdiff/model/denoiser.hpp>

#include "arguments.hpp"

// Functions of Python that the library calls. It may call them from any of its threads.

namespace gmdiff::python {

/// A function that copies share; the last one gives it back with the interpreter's lock.
class Function {
 public:
  /// @throws TypeError unless the object can be called.
  Function(nb::handle function, const std::string& place);

  /// Calls the function with the interpreter's lock. Arguments are made, and the result is read, by the
  /// caller's functions, under the same lock. An interrupt (Ctrl-C) during the call asks the run to stop;
  /// then `read` is not called. @throws what the function throws.
  template <class Arguments, class Read>
  void call(Arguments arguments, Read read) const {
    const nb::gil_scoped_acquire lock;
    if (!held_->function.is_valid()) fail("a function of Python is called after the end of the program");
    try {
      read(nb::object(held_->function(*arguments())));
    } catch (nb::python_error& error) {
      if (!is_interrupt(error)) throw;
    }
  }

  nb::handle object() const { return held_->function; }
  /// Gives all functions back. Python calls it at its exit: functions of a module refer to the module's
  /// names, among them objects of this package, and such cycles would stay.
  static void release_all();
  long num_copies() const { return held_.use_count(); }
  void clear() { held_->function.reset(); }

 private:
  struct Held {
    nb::object function;
    explicit Held(nb::handle given);
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held();
  };
  /// Hands an interrupt over to the run; false for other errors.
  static bool is_interrupt(nb::python_error& error);

  std::shared_ptr<Held> held_;
};

/// A text that identifies a function: the argument `id`, or module and name of the function.
std::string id_of(const nb::object& id, nb::handle function, const std::string& place);

/// A denoiser of Python: `Denoiser(f)`.
struct PythonDenoiser {
  HostDenoiser denoiser;
  std::string kind;
  std::vector<Function> functions;  ///< that `denoiser` calls
  /// Copies of each function that belong to this object. While there are others, a run or a problem uses the
  /// function, and the collector of cycles must not look through it.
  std::vector<long> own_copies = {};
};

/// A denoiser in any form of the package; nothing for other objects.
std::optional<HostDenoiser> denoiser_of(nb::handle object);

}  // namespace gmdiff::python
