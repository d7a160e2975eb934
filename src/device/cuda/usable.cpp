#include "device/cuda/usable.hpp"

#include "base/check.hpp"

namespace gmdiff::cuda {

namespace {

/// Machine code runs on later minor versions of its major version. The driver compiles PTX for every later
/// GPU.
bool runs(int architecture, Capability capability, bool has_ptx) {
  const bool is_later = architecture <= 10 * capability.major + capability.minor;
  return is_later && (has_ptx || architecture / 10 == capability.major);
}

/// "8.0, 9.0"
std::string text_of(std::span<const int> architectures) {
  std::string text;
  for (const int architecture : architectures)
    text += concat(text.empty() ? "" : ", ", architecture / 10, ".", architecture % 10);
  return text;
}

}  // namespace

std::string why_no_gpu(int index, int num_gpus) {
  if (index >= 0 && index < num_gpus) return "";
  return concat("there is no GPU ", index, "; this machine has ", num_gpus, num_gpus == 1 ? " GPU" : " GPUs",
                ", numbered from 0");
}

std::string why_no_code(int index, Capability capability, const Code& code) {
  for (const int architecture : code.architectures) {
    if (runs(architecture, capability, code.has_ptx)) return "";
  }
  return concat("this build has no code for GPU ", index, " of compute capability ", capability.major, ".",
                capability.minor, ", only ", code.has_ptx ? "" : "machine code ", "for ",
                text_of(code.architectures), " (CMAKE_CUDA_ARCHITECTURES)");
}

}  // namespace gmdiff::cuda
