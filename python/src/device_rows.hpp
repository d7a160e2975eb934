#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include <gmdiff/model/custom_target.hpp>
#include <gmdiff/model/denoiser.hpp>

#include "callables.hpp"

// Functions of Python on tensors in the memory of a GPU. Libraries of arrays compute on streams of their own:
// a function gets values that are complete, and its result is awaited in the order of the run's stream, as
// DLPack prescribes.

namespace gmdiff::python {

/// A denoiser that gets rows as an object with `__dlpack__`, valid during the call.
/// @param batch the most rows of a call; 0 for any number
DeviceDenoiser device_denoiser(const Function& function, const std::string& id, Prediction prediction,
                               Eigen::Index batch);

/// A log-density and its gradient: `CustomTarget::device` by a function that gets rows as above and returns
/// the pair of them.
struct DeviceTargetCalls {
  Function function;
  std::string place;

  void operator()(const DeviceTargetRows& x) const;
  /// The result of the function for rows x, which are a tensor on a GPU. @throws as `check_device_result`
  nb::object checked(nb::handle x) const;
};

/// Checks the result of a function of rows x, which are a tensor on a GPU.
/// @throws TypeError for other objects, ValueError for a result that a run would refuse.
void check_device_result(nb::handle result, nb::handle x, const std::string& id);

}  // namespace gmdiff::python
