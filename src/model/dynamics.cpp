#include <gmdiff/model/dynamics.hpp>

#include "base/check.hpp"

namespace gmdiff {

const char* to_string(Scheme scheme) {
  switch (scheme) {
    case Scheme::euler_maruyama:
      return "euler-maruyama";
    case Scheme::euler:
      return "euler";
    case Scheme::heun:
      return "heun";
    case Scheme::sra1:
      return "sra1";
    case Scheme::milstein:
      return "milstein";
    case Scheme::rk4:
      return "rk4";
    case Scheme::exact:
      return "exact";
  }
  fail("dynamics: unknown scheme");
}

std::vector<Scheme> all_schemes() {
  return {Scheme::euler_maruyama, Scheme::euler, Scheme::heun, Scheme::sra1,
          Scheme::milstein,       Scheme::rk4,   Scheme::exact};
}

Dynamics brownian(int dim, double std) {
  require(dim >= 1, "brownian: dim must be at least 1, got ", dim);
  const auto d = static_cast<std::size_t>(dim);
  return {.drift = std::vector<std::string>(d, "0"),
          .noise = std,
          .scheme = Scheme::exact,
          .start = PointStart{std::vector<double>(d, 0.0)}};
}

Dynamics ornstein_uhlenbeck(double std) {
  return {.drift = {"-x/(2*s^2)"},
          .noise = 1.0,
          .parameters = {{"s", std}},
          .scheme = Scheme::exact,
          .start = PointStart{{0.0}}};
}

Dynamics geometric_brownian(double a, double b) {
  return {.drift = {"a*x"},
          .noise = std::vector<std::string>{"b*x"},
          .parameters = {{"a", a}, {"b", b}},
          .scheme = Scheme::exact,
          .start = PointStart{{1.0}}};
}

Dynamics sine_dynamics() {
  return {
      .drift = {"-5*(x - sin(5*t))"}, .noise = 1.0, .t_end = 5.0, .steps = 5000, .start = PointStart{{0.0}}};
}

}  // namespace gmdiff
