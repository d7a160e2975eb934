#pragma once

#include <gmdiff/device/samples.hpp>

// Samples as a tensor of DLPack (https://dmlc.github.io/dlpack), which array libraries exchange without a
// copy. Code that reads the tensor's fields includes <dlpack/dlpack.h>; gmdiff's own headers do not need it.

struct DLManagedTensor;

namespace gmdiff {

/// A tensor of the samples' shape, row-major without strides, float32 or float64. It refers to host memory
/// (kDLCPU), or to the memory of the GPU on which the samples were kept (kDLCUDA, with the GPU's index).
/// Nothing is copied, and the values are complete: the caller need not wait for a stream.
///
/// The values are shared with every copy of `samples` and must not be modified; DLPack 0.6 has no flag for
/// that. The tensor keeps the values alive. The caller owns it and calls its `deleter` once, from any thread,
/// when all work that reads the values has ended.
/// @throws std::bad_alloc
DLManagedTensor* to_dlpack(const Samples& samples);

}  // namespace gmdiff
