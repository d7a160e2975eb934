#pragma once

/// Elementary functions of long double with the same bits on every processor. The C library uses the x87 unit
/// on x86, whose last bits differ between makers of processors; about one in ten thousand doubles of a plan
/// would differ as well. The functions here compute in 128 bits and round once.
namespace gmdiff::extended {

long double exp(long double x);
long double expm1(long double x);
long double log(long double x);
long double log1p(long double x);
long double pow(long double x, long double y);
long double sin(long double x);
long double cos(long double x);
long double asinh(long double x);
long double atan2(long double y, long double x);

inline constexpr long double log_two_pi = 1.83787706640934548356065947281123527972L;

}  // namespace gmdiff::extended
