#include "base/extended.hpp"

#include <cmath>

// glibc implements the 128-bit functions in software. On other platforms, such as ARM, long double is
// computed in software or is double.
#if defined(__x86_64__) && defined(__GLIBC__)
__extension__ using Quad = __float128;
// The functions get other names here, because some compilers do not see glibc's declarations or see them with
// another type.
#define GMDIFF_QUAD_1(name) Quad quad_##name(Quad) noexcept __asm__(#name "f128")
#define GMDIFF_QUAD_2(name) Quad quad_##name(Quad, Quad) noexcept __asm__(#name "f128")
extern "C" {
GMDIFF_QUAD_1(exp);
GMDIFF_QUAD_1(expm1);
GMDIFF_QUAD_1(log);
GMDIFF_QUAD_1(log1p);
GMDIFF_QUAD_2(pow);
GMDIFF_QUAD_1(sin);
GMDIFF_QUAD_1(cos);
GMDIFF_QUAD_1(asinh);
GMDIFF_QUAD_2(atan2);
}
#define GMDIFF_EXTENDED(name) quad_##name
#else
using Quad = long double;
#define GMDIFF_EXTENDED(name) std::name
#endif

namespace gmdiff::extended {
namespace {

Quad wide(long double x) { return x; }
long double rounded(Quad x) { return static_cast<long double>(x); }

}  // namespace

long double exp(long double x) { return rounded(GMDIFF_EXTENDED(exp)(wide(x))); }
long double expm1(long double x) { return rounded(GMDIFF_EXTENDED(expm1)(wide(x))); }
long double log(long double x) { return rounded(GMDIFF_EXTENDED(log)(wide(x))); }
long double log1p(long double x) { return rounded(GMDIFF_EXTENDED(log1p)(wide(x))); }
long double pow(long double x, long double y) { return rounded(GMDIFF_EXTENDED(pow)(wide(x), wide(y))); }
long double sin(long double x) { return rounded(GMDIFF_EXTENDED(sin)(wide(x))); }
long double cos(long double x) { return rounded(GMDIFF_EXTENDED(cos)(wide(x))); }
long double asinh(long double x) { return rounded(GMDIFF_EXTENDED(asinh)(wide(x))); }
long double atan2(long double y, long double x) { return rounded(GMDIFF_EXTENDED(atan2)(wide(y), wide(x))); }

}  // namespace gmdiff::extended
