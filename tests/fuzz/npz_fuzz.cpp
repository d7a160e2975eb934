// libFuzzer target: .npz archives.

#include <cstddef>
#include <cstdint>

#include "fuzz/fuzz_entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gmdiff::fuzz::run_npz({reinterpret_cast<const char*>(data), size});
  return 0;
}
