#include "cli/exit_code.hpp"

#include <stdexcept>

#include <gmdiff/base/error.hpp>

#include "study/interrupted.hpp"

namespace gmdiff::cli {

namespace {

template <class Exception>
bool is(const std::exception& error) {
  return dynamic_cast<const Exception*>(&error) != nullptr;
}

}  // namespace

ExitCode exit_code_of(const std::exception& error) {
  if (is<study::WorkInterrupted>(error)) return interrupted;
  return is<std::invalid_argument>(error) || is<DeviceUnavailable>(error) ? wrong_usage : failed;
}

}  // namespace gmdiff::cli
