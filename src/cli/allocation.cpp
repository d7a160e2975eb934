#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/machine.hpp"

// The command's memory: an allocation that cannot be had is an error that says its bytes, also where nobody foresaw it (a problem file that
// never ends), and never the end of the process by a system out of memory.

void* operator new(std::size_t bytes) {
  gmdiff::require_memory(bytes, "an allocation");
  if (void* memory = std::malloc(std::max<std::size_t>(bytes, 1))) return memory;
  throw gmdiff::MemoryError(gmdiff::out_of_memory_text(bytes, "an allocation"));
}

// Inlined into a function, they would look to the compiler like `free` of what `new` gave.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }
