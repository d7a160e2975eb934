#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gmdiff/device/options.hpp>

#include "arguments.hpp"

// Options of runs.

namespace gmdiff::python {

/// Names of the options of a run, and their types in the stubs.
std::vector<std::string> with_options(std::vector<std::string> keys);
extern const char* const options_signature;

/// Options from arguments. `progress` is a function of (done, total); the caller sets `stop`.
Options options_of(const Arguments& given);
/// A device: its name, such as "cpu:4".
Device device_of(nb::handle value, const std::string& place);
/// "f32", "f64", or what NumPy takes for float32 or float64.
Precision precision_of(nb::handle value, const std::string& place);
/// A function of (done, total) for progress, or True for a bar of tqdm.
std::function<void(const Progress&)> progress_of(nb::handle given, const std::string& place);

}  // namespace gmdiff::python
