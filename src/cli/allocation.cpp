#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/machine.hpp"

// The command's allocator. An allocation that does not fit into memory is an error that states its bytes,
// even where no check foresaw it (a problem file that never ends), so that the system does not kill the
// process.

void* operator new(std::size_t bytes) {
  gmdiff::require_memory(bytes, "an allocation");
  if (void* memory = std::malloc(std::max<std::size_t>(bytes, 1))) return memory;
  throw gmdiff::MemoryError(gmdiff::out_of_memory_text(bytes, "an allocation"));
}

// If these were inlined, the compiler would see a `free` of memory from `new` and warn.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
