#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <Eigen/SparseLU>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"

// Implicit steps in time (mathematics.md §14.2).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

/// Thomas's algorithm. The columns of I - tau Q have the sum 1 + tau loss and are <= 0 beside the diagonal,
/// so the pivots e_i + up_i follow from sums, products and quotients of numbers >= 0: no tau is too large,
/// and no mass becomes negative.
class Tridiagonal {
 public:
  Tridiagonal(const FokkerPlanck& equation, double tau)
      : up_(tau * equation.rates().up[0]), down_(tau * equation.rates().down[0]), pivots_(up_.size()) {
    double e = 0.0;  // pivot - up of the cell before
    for (Index i = 0; i < pivots_.size(); ++i) {
      e = 1.0 + tau * equation.rates().loss(i) + (i > 0 ? down_(i) * e / pivots_(i - 1) : 0.0);
      pivots_(i) = e + up_(i);
    }
  }

  VectorXd solve(VectorXd x) const {
    const Index n = x.size();
    for (Index i = 1; i < n; ++i) x(i) += up_(i - 1) / pivots_(i - 1) * x(i - 1);
    x(n - 1) /= pivots_(n - 1);
    for (Index i = n - 1; i > 0; --i) x(i - 1) = (x(i - 1) + down_(i) * x(i)) / pivots_(i - 1);
    return x;
  }

 private:
  VectorXd up_, down_, pivots_;
};

using SparseLu = Eigen::SparseLU<Eigen::SparseMatrix<double>>;

}  // namespace

struct ImplicitEuler::Factors {
  Index size;
  std::optional<Tridiagonal> tridiagonal;
  SparseLu sparse;
};

ImplicitEuler::ImplicitEuler(const FokkerPlanck& equation, double tau) {
  check_duration(tau, "ImplicitEuler");
  auto factors = std::make_shared<Factors>();
  factors->size = equation.grid().size();
  if (equation.grid().dim() == 1 && equation.boundary() != Boundary::periodic) {
    factors->tridiagonal.emplace(equation, tau);
  } else {
    Eigen::SparseMatrix<double> A = -tau * equation.generator();
    A.diagonal().array() += 1.0;
    factors->sparse.compute(A);
    if (factors->sparse.info() != Eigen::Success)
      throw std::runtime_error("ImplicitEuler: the factorisation failed: " +
                               factors->sparse.lastErrorMessage());
  }
  factors_ = std::move(factors);
}

VectorXd ImplicitEuler::step(const VectorXd& P) const {
  check_values(P, factors_->size, "ImplicitEuler");
  if (factors_->tridiagonal) return factors_->tridiagonal->solve(P);
  return factors_->sparse.solve(P);
}

VectorXd FokkerPlanck::advance_implicit(const VectorXd& P, double tau, int steps) const {
  require(steps >= 1, "FokkerPlanck::advance_implicit: expected at least 1 step, got ", steps);
  const ImplicitEuler euler(*this, tau);
  VectorXd next = P;
  for (int s = 0; s < steps; ++s) next = euler.step(next);
  return next;
}

}  // namespace gmdiff
