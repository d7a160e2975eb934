// Compiled once for each instruction set, GMDIFF_CPU_UNIT being its name (CMakeLists.txt).
#include "device/elementary_unit.hpp"

#ifndef GMDIFF_TEST_SCALAR
#include "device/cpu/pack.hpp"
#endif
#include "particle/elementary.hpp"

#define GMDIFF_TEST_JOIN_(a, b, c) a##b##c
#define GMDIFF_TEST_JOIN(a, b, c) GMDIFF_TEST_JOIN_(a, b, c)

namespace gmdiff::test {

namespace GMDIFF_CPU_UNIT {

#ifdef GMDIFF_TEST_SCALAR
template <class Real>
using Value = particle::One<Real>;
#else
template <class Real>
using Value = cpu::GMDIFF_CPU_UNIT::Pack<Real>;
#endif

template <class Real, class Function>
void apply(Function function, const Real* x, Real* y, std::size_t n) {
  using V = Value<Real>;
  for (std::size_t i = 0; i < n; i += static_cast<std::size_t>(V::lanes))
    function(V::load(x + i)).store(y + i);
}

template <class Real>
ElementaryFunctions<Real> functions() {
  using V = Value<Real>;
  return {
      .exp_nonpositive =
          [](const Real* x, Real* y, std::size_t n) {
            apply([](V v) { return particle::exp_nonpositive(v); }, x, y, n);
          },
      .log = [](const Real* x, Real* y,
                std::size_t n) { apply([](V v) { return particle::log(v); }, x, y, n); },
      .sine = [](const Real* x, Real* y,
                 std::size_t n) { apply([](V v) { return particle::sine_cosine_turns(v).sine; }, x, y, n); },
      .cosine =
          [](const Real* x, Real* y, std::size_t n) {
            apply([](V v) { return particle::sine_cosine_turns(v).cosine; }, x, y, n);
          },
      .exp = [](const Real* x, Real* y,
                std::size_t n) { apply([](V v) { return particle::exp(v); }, x, y, n); },
      .sine_radians =
          [](const Real* x, Real* y, std::size_t n) {
            apply([](V v) { return particle::sine_cosine(v).sine; }, x, y, n);
          },
      .cosine_radians =
          [](const Real* x, Real* y, std::size_t n) {
            apply([](V v) { return particle::sine_cosine(v).cosine; }, x, y, n);
          },
      .tanh = [](const Real* x, Real* y,
                 std::size_t n) { apply([](V v) { return particle::tanh(v); }, x, y, n); }};
}

}  // namespace GMDIFF_CPU_UNIT

ElementaryFunctions<float> GMDIFF_TEST_JOIN(elementary_, GMDIFF_CPU_UNIT, _f32)() {
  return GMDIFF_CPU_UNIT::functions<float>();
}
ElementaryFunctions<double> GMDIFF_TEST_JOIN(elementary_, GMDIFF_CPU_UNIT, _f64)() {
  return GMDIFF_CPU_UNIT::functions<double>();
}

}  // namespace gmdiff::test
