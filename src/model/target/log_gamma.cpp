#include "model/target/log_gamma.hpp"

#include "base/extended.hpp"

namespace gmdiff::targets {

long double log_gamma(long double x) {
  // log Gamma(x) = log Gamma(x + n) - log( x (x + 1) ... (x + n - 1) ), where Stirling's series holds. Its
  // first term left out is 174611/125400 / x^19: 6e-26 at 24.
  constexpr long double least = 24.0L;
  long double product = 1.0L;
  for (; x < least; x += 1.0L) product *= x;
  // B_2k / (2k (2k - 1)) of the Bernoulli numbers, from the last one to the first
  constexpr long double coefficients[] = {43867.0L / 244188.0L, -3617.0L / 122400.0L, 1.0L / 156.0L,
                                          -691.0L / 360360.0L,  1.0L / 1188.0L,       -1.0L / 1680.0L,
                                          1.0L / 1260.0L,       -1.0L / 360.0L,       1.0L / 12.0L};
  long double series = 0.0L;
  for (const long double coefficient : coefficients) series = series / (x * x) + coefficient;
  return (x - 0.5L) * extended::log(x) - x + 0.5L * extended::log_two_pi + series / x -
         extended::log(product);
}

}  // namespace gmdiff::targets
