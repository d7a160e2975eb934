#pragma once

#include <span>
#include <string>

// Why a GPU cannot be used, by what is known of it. No CUDA in it: the decisions are tested in every build, on machines without a GPU.

namespace gmdiff::cuda {

/// 9.0 is {9, 0}.
struct Capability {
  int major, minor;
};

/// What kernels were compiled for.
struct Code {
  std::span<const int> architectures;  ///< ascending, 90 for compute capability 9.0
  bool has_ptx;                        ///< PTX beside machine code
};

/// Why there is no GPU `index` among so many, in one sentence; empty where there is.
std::string why_not_there(int index, int num_gpus);

/// Why GPU `index` cannot run that code, in one sentence; empty where it can.
std::string why_no_code(int index, Capability capability, const Code& code);

}  // namespace gmdiff::cuda
