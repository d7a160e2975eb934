#pragma once

#include <gmdiff/device/samples.hpp>

// Samples as a tensor of DLPack (https://dmlc.github.io/dlpack), which array libraries exchange without a copy. Who looks into the tensor
// includes <dlpack/dlpack.h>; gmdiff's own headers do not need it.

struct DLManagedTensor;

namespace gmdiff {

/// A tensor of the samples' shape, row-major without strides, float32 or float64: in host memory (kDLCPU), or for samples that were kept on
/// a GPU in its memory (kDLCUDA, with the GPU's index). Nothing is copied. The values are complete: no stream has to be waited for.
///
/// The values are shared with every copy of `samples`, so they are to be read only; this version of DLPack (0.6) cannot say so itself. The
/// tensor keeps them alive by itself. The caller owns it and calls its `deleter` once, from any thread, when all work that reads the values
/// has ended.
/// @throws std::bad_alloc
DLManagedTensor* to_dlpack(const Samples& samples);

}  // namespace gmdiff
