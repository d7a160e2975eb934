#pragma once

#include <gmdiff/model/denoiser.hpp>

// Calls of denoisers that a program brings itself.

namespace gmdiff {

/// D of each row on the host.
/// @throws std::invalid_argument for a denoiser on a GPU, and when the function changes the shape of its
///   result; what the function throws passes through.
Points evaluate_rows(const Denoiser& denoiser, const Points& x, Level level);
/// J^T v of each row, J = dD/dx. @throws as above; std::invalid_argument for a denoiser without the product.
Points transposed_jvp_rows(const Denoiser& denoiser, const Points& x, const Points& v, Level level);

/// Replaces each row x~ of points in the coordinates x~ = V^T x by V^T D(V x~).
void denoise_rotated(const Denoiser& denoiser, const Eigen::MatrixXd& V, Level level, Points& rows);

}  // namespace gmdiff
