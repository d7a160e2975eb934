#include "model/expression/fold.hpp"

#include <algorithm>
#include <cmath>

#include "base/extended.hpp"

namespace gmdiff::expressions {
namespace {

long double sign(long double a) { return a > 0.0L ? 1.0L : a < 0.0L ? -1.0L : 0.0L; }

/// (1 - e^-2|a|) / (1 + e^-2|a|) with the sign of a
long double tanh(long double a) {
  const long double rest = extended::expm1(-2.0L * std::abs(a));
  return -sign(a) * rest / (2.0L + rest);
}

/// 1 / (1 + e^-a)
long double sigmoid(long double a) {
  const long double e = extended::exp(-std::abs(a));
  return (a < 0.0L ? e : 1.0L) / (1.0L + e);
}

/// log(1 + e^a)
long double softplus(long double a) {
  return std::max(a, 0.0L) + extended::log1p(extended::exp(-std::abs(a)));
}

}  // namespace

long double fold(Primitive primitive, long double a, long double b) {
  switch (primitive) {
    case Primitive::constant:
    case Primitive::position:
    case Primitive::direction:
    case Primitive::time:
      break;
    case Primitive::negate:
      return -a;
    case Primitive::exp:
      return extended::exp(a);
    case Primitive::log:
      return extended::log(a);
    case Primitive::sqrt:
      return std::sqrt(a);  // correctly rounded everywhere
    case Primitive::sine:
      return extended::sin(a);
    case Primitive::cosine:
      return extended::cos(a);
    case Primitive::tanh:
      return tanh(a);
    case Primitive::abs:
      return std::abs(a);
    case Primitive::sign:
      return sign(a);
    case Primitive::sigmoid:
      return sigmoid(a);
    case Primitive::softplus:
      return softplus(a);
    case Primitive::add:
      return a + b;
    case Primitive::subtract:
      return a - b;
    case Primitive::multiply:
      return a * b;
    case Primitive::divide:
      return a / b;
    case Primitive::minimum:
      return b < a ? b : a;
    case Primitive::maximum:
      return a < b ? b : a;
    case Primitive::less:
      return a < b ? 1.0L : 0.0L;
    case Primitive::not_less:
      return a < b ? 0.0L : 1.0L;
    case Primitive::where:
      return a != 0.0L ? b : 0.0L;
  }
  return a;
}

}  // namespace gmdiff::expressions
