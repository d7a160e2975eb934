#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>

#include <gmdiff/device/paths.hpp>
#include <gmdiff/device/samples.hpp>
#include <gmdiff/device/smc.hpp>
#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/network/training.hpp>

// Work of the library that Ctrl-C stops.

namespace nb = nanobind;

namespace gmdiff::python {

/// The finished part of interrupted work: an attribute of the exception and its value.
struct Finished {
  const char* attribute;
  nb::object value;
};
template <class Result>
Finished finished_of(const Result& result) {
  if constexpr (std::is_base_of_v<Samples, Result>) return {"samples", nb::cast(result)};
  if constexpr (std::is_same_v<DenoiserTraining, Result> || std::is_same_v<SamplerTraining, Result>)
    return {"training", nb::cast(result)};
  return {"samples", nb::none()};
}

/// While an object exists, SIGINT requests the stop of `token()`, after Python has noted it. Only the main
/// thread receives signals of Python; in other threads an object has no effect. Runs may be nested.
class Interrupts {
 public:
  Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  std::stop_token token() const { return source_.get_token(); }
  bool requested() const { return source_.stop_requested(); }
  /// Raises the exception of the interrupt, KeyboardInterrupt unless the program has another handler, with
  /// what is finished as an attribute. Without such an exception it raises `Interrupted`.
  [[noreturn]] void raise(const Finished& finished, const std::string& message);

  /// Keeps a KeyboardInterrupt of a function that the library calls, and requests the stop of the run of the
  /// main thread; false if there is none.
  static bool hand_over(nb::python_error& error);

 private:
  std::stop_source source_;
  std::optional<nb::python_error> error_;  // of a function that the library called
  Interrupts* outer_ = nullptr;
  bool is_active_ = false;
};

/// The result of f(stop token), which runs without the interpreter's lock. @throws what an interrupt raises.
template <class F>
auto watched(F f) {
  Interrupts interrupts;
  try {
    auto result = [&] {
      const nb::gil_scoped_release release;
      return f(interrupts.token());
    }();
    if (interrupts.requested()) interrupts.raise(finished_of(result), "interrupted when the work was done");
    return result;
  } catch (const SmcInterrupted& stopped) {
    interrupts.raise(finished_of(stopped.finished_chains()), stopped.what());
  } catch (const PathsInterrupted& stopped) {
    interrupts.raise(finished_of(stopped.finished_paths()), stopped.what());
  } catch (const Interrupted& stopped) {
    interrupts.raise(finished_of(stopped.finished()), stopped.what());
  } catch (const nb::python_error&) {
    throw;
  } catch (const std::exception& error) {
    // Other work than a run has nothing to hand over.
    if (!interrupts.requested()) throw;
    interrupts.raise({"samples", nb::none()}, error.what());
  }
}

}  // namespace gmdiff::python
