#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SparseCholesky>

#include <gmdiff/model/fokker_planck.hpp>

#include "base/check.hpp"
#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// Smallest eigenvalues of -Q (mathematics.md §14.3). Rates in detailed balance with a stationary law Pi make
// A = -diag(Pi)^{-1/2} Q diag(Pi)^{1/2} symmetric; beside the diagonal it has -sqrt(rate rate').

namespace gmdiff {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

using Sparse = Eigen::SparseMatrix<double>;

constexpr Index max_count = 16;
/// Largest grid all of whose eigenvalues are computed; the time grows with the square of its size.
constexpr Index max_dense = 2048;

double coupling(const FokkerPlanck& equation, const Face& face) {
  const auto axis = static_cast<std::size_t>(face.axis);
  return -std::sqrt(equation.rates().up[axis](face.before) * equation.rates().down[axis](face.after));
}

VectorXd diagonal(const FokkerPlanck& equation) { return -equation.generator().diagonal(); }

/// Eigenvalues of A in dimension 1 with walls, ascending.
VectorXd tridiagonal_eigenvalues(const FokkerPlanck& equation) {
  VectorXd beside(equation.grid().size() - 1);
  for_each_face(equation.grid(), equation.boundary(),
                [&](const Face& face) { beside(face.before) = coupling(equation, face); });
  Eigen::SelfAdjointEigenSolver<MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal(equation), beside, Eigen::EigenvaluesOnly);
  if (solver.info() != Eigen::Success)
    throw std::runtime_error("FokkerPlanck::decay_rates: the eigenvalues did not converge");
  return solver.eigenvalues();
}

Sparse symmetrised(const FokkerPlanck& equation) {
  std::vector<Eigen::Triplet<double>> entries;
  for_each_face(equation.grid(), equation.boundary(), [&](const Face& face) {
    entries.emplace_back(face.after, face.before, coupling(equation, face));
    entries.emplace_back(face.before, face.after, coupling(equation, face));
  });
  const VectorXd on_diagonal = diagonal(equation);
  for (Index i = 0; i < on_diagonal.size(); ++i) entries.emplace_back(i, i, on_diagonal(i));
  Sparse A(on_diagonal.size(), on_diagonal.size());
  A.setFromTriplets(entries.begin(), entries.end());
  return A;
}

/// Columns of numbers in (-1, 1), always the same.
MatrixXd start_columns(Index rows, Index columns) {
  std::mt19937_64 generator(1);
  MatrixXd X(rows, columns);
  for (Index i = 0; i < X.size(); ++i)
    X.data()[i] = std::ldexp(static_cast<double>(generator() >> 11), -52) - 1.0;
  return X;
}

/// Inverse iteration of a space of vectors orthogonal to `excluded` (one column or none).
class InverseIteration {
 public:
  InverseIteration(const Sparse& A, double max_rate, MatrixXd excluded)
      : A_(A), excluded_(std::move(excluded)), rounding_(1e-15 * max_rate) {
    // A may be singular; a shift far below the eigenvalues looked for makes it positive definite.
    Sparse shifted = A;
    shifted.diagonal().array() += 1e-10 * max_rate;
    solver_.compute(shifted);
    if (solver_.info() != Eigen::Success)
      throw std::runtime_error("FokkerPlanck::decay_rates: the factorisation failed");
  }

  VectorXd smallest(Index count) {
    // More columns than eigenvalues: the error falls by the ratio of eigenvalues count and count + 8.
    const Index columns = std::min(count + 8, A_.rows() - excluded_.cols());
    MatrixXd X = orthonormal(start_columns(A_.rows(), columns));
    VectorXd previous = VectorXd::Zero(count);
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      X = orthonormal(solver_.solve(X));
      const Eigen::SelfAdjointEigenSolver<MatrixXd> ritz(X.transpose() * (A_ * X));
      X = X * ritz.eigenvectors();
      const VectorXd values = ritz.eigenvalues().head(count);
      if (((values - previous).array().abs() <= 1e-12 * values.array().abs() + rounding_).all())
        return values;
      previous = values;
    }
    throw std::runtime_error(concat("FokkerPlanck::decay_rates: no convergence in ", max_iterations,
                                    " iterations: many eigenvalues are almost equal"));
  }

 private:
  static constexpr int max_iterations = 500;

  MatrixXd orthonormal(MatrixXd X) const {
    for (int pass = 0; pass < 2; ++pass) {
      X -= excluded_ * (excluded_.transpose() * X);
      Eigen::HouseholderQR<MatrixXd> qr(X);
      X = qr.householderQ() * MatrixXd::Identity(X.rows(), X.cols());
    }
    return X;
  }

  const Sparse& A_;
  MatrixXd excluded_;
  double rounding_;
  Eigen::SimplicialLDLT<Sparse> solver_;
};

}  // namespace

VectorXd FokkerPlanck::decay_rates(Index count) const {
  require(log_stationary_.size() > 0,
          "FokkerPlanck::decay_rates: expected an equation from a log-density, got general rates");
  const bool keeps_mass = boundary_ != Boundary::absorbing;
  require(count >= 1 && count <= max_count && count < grid_.size(),
          "FokkerPlanck::decay_rates: expected a count in [1, ", std::min(max_count, grid_.size() - 1),
          "], got ", count);
  if (grid_.dim() == 1 && boundary_ != Boundary::periodic && grid_.size() <= max_dense)
    return tridiagonal_eigenvalues(*this).segment(keeps_mass ? 1 : 0, count);
  MatrixXd excluded(grid_.size(), keeps_mass ? 1 : 0);
  if (keeps_mass) excluded.col(0) = exp_of(0.5 * log_stationary_);
  const Sparse A = symmetrised(*this);
  return InverseIteration(A, max_rate_, std::move(excluded)).smallest(count);
}

}  // namespace gmdiff
