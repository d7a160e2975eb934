#pragma once

namespace gmdiff {

/// Scalar type of the result and layout of the random words (numerics.md §5). `reference` computes in double
/// with either.
enum class Precision { f32, f64 };

}  // namespace gmdiff
