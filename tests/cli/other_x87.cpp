// glibc's functions of long double with a changed last bit, as on another manufacturer's processor. Preloaded
// into the command, this library must change no plan (numerics.md §2). It prints a line on standard error
// when it is loaded.

#include <dlfcn.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

template <class Function>
Function* original(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  Function* function = nullptr;
  std::memcpy(&function, &found, sizeof(found));
  return function;
}

/// The neighbouring number above or below, chosen by a bit of the argument. Exact values stay.
long double moved(long double y, long double x) {
  if (y == 0.0L || y == 1.0L || !std::isfinite(y)) return y;
  std::uint64_t mantissa = 0;
  std::memcpy(&mantissa, &x, sizeof(mantissa));
  return std::nextafter(y, (mantissa >> 20 & 1) != 0 ? y + 1.0L : y - 1.0L);
}

[[gnu::constructor]] void say_so() {
  constexpr char text[] = "other x87\n";
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
}

}  // namespace

#define GMDIFF_MOVED_1(name)                                              \
  long double name(long double x) noexcept {                              \
    static auto* const right = original<long double(long double)>(#name); \
    return moved(right(x), x);                                            \
  }
#define GMDIFF_MOVED_2(name)                                                           \
  long double name(long double x, long double y) noexcept {                            \
    static auto* const right = original<long double(long double, long double)>(#name); \
    return moved(right(x, y), x);                                                      \
  }

extern "C" {
GMDIFF_MOVED_1(expl)
GMDIFF_MOVED_1(expm1l)
GMDIFF_MOVED_1(logl)
GMDIFF_MOVED_1(log1pl)
GMDIFF_MOVED_1(sinl)
GMDIFF_MOVED_1(cosl)
GMDIFF_MOVED_1(asinhl)
GMDIFF_MOVED_2(powl)
GMDIFF_MOVED_2(atan2l)
}
