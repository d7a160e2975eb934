#pragma once

#include <span>
#include <string>

// Reasons why a GPU cannot be used, decided from its properties. The code uses no CUDA, so that every build
// tests it, also on machines without a GPU.

namespace gmdiff::cuda {

/// Compute capability: 9.0 is {9, 0}.
struct Capability {
  int major, minor;
};

/// The architectures for which the kernels were compiled.
struct Code {
  std::span<const int> architectures;  ///< ascending, 90 for compute capability 9.0
  bool has_ptx;                        ///< whether there is PTX in addition to machine code
};

/// The reason in one sentence why there is no GPU `index` among `num_gpus`; empty if there is one.
std::string why_no_gpu(int index, int num_gpus);

/// The reason in one sentence why GPU `index` cannot run the code; empty if it can.
std::string why_no_code(int index, Capability capability, const Code& code);

}  // namespace gmdiff::cuda
