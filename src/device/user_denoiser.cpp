#include "device/user_denoiser.hpp"

#include <limits>
#include <variant>

#include "base/check.hpp"

namespace gmdiff {
namespace {

Points evaluate(const HostDenoiser& denoiser, const Points& x, Level level) {
  // A row that the function forgets makes the run fail, in place of memory that happens to be there.
  Points denoised = Points::Constant(x.rows(), x.cols(), std::numeric_limits<double>::quiet_NaN());
  denoiser.function(x, level, denoised);
  require(denoised.rows() == x.rows() && denoised.cols() == x.cols(), "denoiser \"", denoiser.id,
          "\": the result has shape (", denoised.rows(), ", ", denoised.cols(), "), expected (", x.rows(),
          ", ", x.cols(), ")");
  return denoised;
}

Points evaluate(const DeviceDenoiser& denoiser, const Points& /*x*/, Level /*level*/) {
  fail("denoiser \"", denoiser.id, "\": works in the memory of a GPU, so the plan needs the device cuda");
}

}  // namespace

Points evaluate_rows(const Denoiser& denoiser, const Points& x, Level level) {
  return std::visit([&](const auto& given) { return evaluate(given, x, level); }, denoiser);
}

}  // namespace gmdiff
