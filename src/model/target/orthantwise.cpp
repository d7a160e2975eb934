#include "model/target/orthantwise.hpp"

#include <cmath>
#include <exception>
#include <memory>
#include <new>

#include <lbfgs.h>

#include "base/check.hpp"
#include "base/infinity.hpp"

namespace gmdiff::targets {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

/// The state of a search that the callbacks see. No exception may pass through the C code of liblbfgs, so the
/// first one is kept, and F is infinite from then on, which ends the search.
struct Search {
  const SmoothFunction& F;
  std::exception_ptr error = nullptr;
  VectorXd u = {}, gradient = {};
};

double value(Search& search, const double* u, double* gradient, int n) {
  if (search.error) return infinity;
  try {
    search.u = Eigen::Map<const VectorXd>(u, n);
    const double F = search.F(search.u, search.gradient);
    Eigen::Map<VectorXd>(gradient, n) = search.gradient;
    // A comparison with NaN would accept the step.
    return std::isnan(F) ? infinity : F;
  } catch (...) {
    search.error = std::current_exception();
    return infinity;
  }
}

double evaluate(void* instance, const double* u, double* gradient, int n, double /*step*/) {
  return value(*static_cast<Search*>(instance), u, gradient, n);
}

/// Ends the search at a point without a gradient.
int progress(void* /*instance*/, const double* /*u*/, const double* gradient, double /*F*/,
             double /*norm_of_u*/, double /*norm_of_gradient*/, double /*step*/, int n, int /*iteration*/,
             int /*evaluations*/) {
  return Eigen::Map<const VectorXd>(gradient, n).allFinite() ? 0 : 1;
}

lbfgs_parameter_t parameters_of(const AbsolutePenalty& penalty, int d) {
  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.epsilon = 1e-6;
  parameters.max_iterations = 1000;
  parameters.linesearch = LBFGS_LINESEARCH_BACKTRACKING;  // the only one that takes a penalty
  parameters.orthantwise_c = penalty.weight;
  parameters.orthantwise_start = static_cast<int>(penalty.first);
  parameters.orthantwise_end = d;
  return parameters;
}

/// Other errors of liblbfgs mean that no step decreases F, as happens near a minimum, and that the limit of
/// iterations is reached; the point is good all the same.
void check_parameters_were_accepted(int code) {
  if (code == LBFGSERR_OUTOFMEMORY) throw std::bad_alloc();
  const bool refused = code >= LBFGSERR_INVALID_N && code <= LBFGSERR_INVALID_ORTHANTWISE_END;
  require(!refused, "search for maxima: liblbfgs refuses the parameters, error ", code);
}

struct Free {
  void operator()(double* u) const { lbfgs_free(u); }
};

}  // namespace

VectorXd lower_orthantwise(const SmoothFunction& F, const AbsolutePenalty& penalty, const VectorXd& start) {
  const auto d = static_cast<int>(start.size());
  // liblbfgs may need arrays of a certain alignment.
  const std::unique_ptr<double, Free> u(lbfgs_malloc(d));
  if (u == nullptr) throw std::bad_alloc();
  Eigen::Map<VectorXd> point(u.get(), d);
  point = start;
  Search search{.F = F};
  lbfgs_parameter_t parameters = parameters_of(penalty, d);
  const int code = lbfgs(d, u.get(), nullptr, evaluate, progress, &search, &parameters);
  if (search.error) std::rethrow_exception(search.error);
  check_parameters_were_accepted(code);
  return point;
}

}  // namespace gmdiff::targets
