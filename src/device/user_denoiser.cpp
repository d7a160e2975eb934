#include "device/user_denoiser.hpp"

#include <variant>

#include "base/check.hpp"
#include "base/floating_point.hpp"
#include "base/user_function.hpp"
#include "device/rotation.hpp"

namespace gmdiff {
namespace {

/// The rows that `function` writes for the rows of x.
template <class Function>
Points rows_of(const std::string& id, const char* result, const Points& x, Function function) {
  Points rows = unwritten_rows(x.rows(), x.cols());
  function(rows);
  require(rows.rows() == x.rows() && rows.cols() == x.cols(), "denoiser \"", id, "\": ", result,
          " has shape (", rows.rows(), ", ", rows.cols(), "), expected (", x.rows(), ", ", x.cols(), ")");
  return rows;
}

Points evaluate(const HostDenoiser& denoiser, const Points& x, Level level) {
  return rows_of(denoiser.id, "the result", x,
                 [&](Points& denoised) { denoiser.function(x, level, denoised); });
}

Points evaluate(const DeviceDenoiser& denoiser, const Points& /*x*/, Level /*level*/) {
  fail("denoiser \"", denoiser.id, "\": works in the memory of a GPU, so the plan needs the device cuda");
}

Points transposed_jvp(const HostDenoiser& denoiser, const Points& x, const Points& v, Level level) {
  require(static_cast<bool>(denoiser.transposed_jvp), "denoiser \"", denoiser.id,
          "\": has no product J^T v with the derivative of D");
  return rows_of(denoiser.id, "the product J^T v", x,
                 [&](Points& product) { denoiser.transposed_jvp(x, v, level, product); });
}

Points transposed_jvp(const DeviceDenoiser& denoiser, const Points& /*x*/, const Points& /*v*/,
                      Level /*level*/) {
  fail("denoiser \"", denoiser.id, "\": works in the memory of a GPU and has no product J^T v");
}

}  // namespace

Points evaluate_rows(const Denoiser& denoiser, const Points& x, Level level) {
  return std::visit([&](const auto& given) { return evaluate(given, x, level); }, denoiser);
}

Points transposed_jvp_rows(const Denoiser& denoiser, const Points& x, const Points& v, Level level) {
  return std::visit([&](const auto& given) { return transposed_jvp(given, x, v, level); }, denoiser);
}

void denoise_rotated(const Denoiser& denoiser, const Eigen::MatrixXd& V, Level level, Points& rows) {
  {
    const FloatingPointEnvironment environment;  // not that of the function
    rotate_back(V, rows.data(), rows.rows());
  }
  const Points D = evaluate_rows(denoiser, rows, level);
  const FloatingPointEnvironment environment;
  for (Eigen::Index n = 0; n < rows.rows(); ++n) rotate(V, D.row(n).data(), rows.row(n).data());
}

}  // namespace gmdiff
