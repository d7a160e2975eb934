#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace gmdiff {

/// Sets rounding to nearest, keeps subnormal numbers and disables traps; the destructor restores the previous
/// state.
class FloatingPointEnvironment {
 public:
#if defined(__x86_64__)
  FloatingPointEnvironment() : before_(_mm_getcsr()) { _mm_setcsr(0x1F80); }
  ~FloatingPointEnvironment() { _mm_setcsr(before_); }

 private:
  unsigned before_;
#else
  FloatingPointEnvironment() = default;
  ~FloatingPointEnvironment() = default;
#endif
 public:
  FloatingPointEnvironment(const FloatingPointEnvironment&) = delete;
  FloatingPointEnvironment& operator=(const FloatingPointEnvironment&) = delete;
};

}  // namespace gmdiff
