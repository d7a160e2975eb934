#include "plan/print.hpp"

#include <ostream>

namespace gmdiff {
namespace {

std::ostream& operator<<(std::ostream& out, const Level& level) {
  return out << '(' << level.alpha << ", " << level.sigma << ')';
}

std::ostream& operator<<(std::ostream& out, const AffineStep& step) {
  out << "affine";
  if (step.c_n != 0.0 || step.c_x != 1.0) out << "  churn " << step.c_x << ' ' << step.c_n;
  if (step.evaluations >= 1) out << "  D1 at " << step.level1;
  if (step.evaluations == 2) out << "  u " << step.p_x << ' ' << step.p_1 << "  D2 at " << step.level2;
  return out << "  a " << step.a << "  b " << step.b_1 << ' ' << step.b_2 << ' ' << step.b_p << "  e "
             << step.e;
}

std::ostream& operator<<(std::ostream& out, const MixtureTransition& step) {
  return out << "mixture transition  " << step.t << " -> " << step.s << "  alpha_ts " << step.alpha_ts
             << "  sigma_ts " << step.sigma_ts;
}

}  // namespace

void print(std::ostream& out, const Level& level) { out << level; }
void print(std::ostream& out, const Step& step) {
  std::visit([&](const auto& alternative) { out << alternative; }, step);
}

}  // namespace gmdiff
