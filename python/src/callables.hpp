#pragma once

#include <nanobind/nanobind.h>

#include <algorithm>
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

/// Rows as an array of their own, which the function may keep or change.
nb::object rows_for_call(const double* values, Eigen::Index rows, Eigen::Index columns);
/// Reads the result of a function. @throws ValueError for another shape.
void read_rows(nb::handle result, const std::string& place, Eigen::Index rows, Eigen::Index columns,
               double* values);

/// The result of a function that returns log-densities and gradients. @throws TypeError unless it is a pair
nb::tuple pair_of(nb::handle result, const std::string& place);

/// Calls f with each piece of at most `batch` rows: f(first row, number of rows).
template <class F>
void for_each_piece(Eigen::Index rows, Eigen::Index batch, F f) {
  const Eigen::Index most = batch > 0 ? batch : std::max<Eigen::Index>(rows, 1);
  for (Eigen::Index first = 0; first < rows; first += most) f(first, std::min(most, rows - first));
}

/// A denoiser in any form of the package; nothing for other objects.
std::optional<Denoiser> denoiser_of(nb::handle object);
/// A denoiser that works in host memory. @throws TypeError for other objects, ValueError for one of a GPU.
HostDenoiser host_denoiser_of(nb::handle object, const std::string& place);

}  // namespace gmdiff::python
