#include "base/linear_algebra.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <mutex>
#include <utility>

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

#include "base/machine.hpp"

namespace gmdiff::linear_algebra {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// Up to this size the SVD uses Jacobi rotations, which are more accurate; above, divide and conquer, which is
// faster.
constexpr Index largest_jacobi_size = 64;

// Eigen blocks its products by the cache sizes of the CPU, which changes the order of sums and so the bits.
// The sizes are global to the host program: one thread at a time fixes and then restores them.
class PinnedCacheSizes {
 public:
  PinnedCacheSizes()
      : lock_(mutex()), l1_(Eigen::l1CacheSize()), l2_(Eigen::l2CacheSize()), l3_(Eigen::l3CacheSize()) {
    Eigen::setCpuCacheSizes(32768, 262144, 2097152);
  }
  ~PinnedCacheSizes() { Eigen::setCpuCacheSizes(l1_, l2_, l3_); }
  PinnedCacheSizes(const PinnedCacheSizes&) = delete;
  PinnedCacheSizes& operator=(const PinnedCacheSizes&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }

  std::lock_guard<std::mutex> lock_;
  std::ptrdiff_t l1_;
  std::ptrdiff_t l2_;
  std::ptrdiff_t l3_;
};

// Returns -1 when the entry of largest magnitude (the first of equals) is negative, otherwise 1. Multiplying
// singular vectors and eigenvectors by it fixes their signs.
double sign_of_largest(const Eigen::Ref<const VectorXd>& v) {
  Index largest = 0;
  for (Index i = 1; i < v.size(); ++i) {
    if (std::abs(v(i)) > std::abs(v(largest))) largest = i;
  }
  return v.size() > 0 && v(largest) < 0.0 ? -1.0 : 1.0;
}

void fix_signs(MatrixXd& basis) {
  for (Index j = 0; j < basis.cols(); ++j) basis.col(j) *= sign_of_largest(basis.col(j));
}

constexpr unsigned both_bases = Eigen::ComputeFullU | Eigen::ComputeFullV;

template <class Decomposition>
Svd square_svd(const MatrixXd& A) {
  const Decomposition svd(A, both_bases);
  return {svd.matrixU(), svd.singularValues(), svd.matrixV()};
}

// The complete left basis Q [U 0; 0 I] from the left basis U of the triangle of A = Q R.
template <class Qr>
MatrixXd complete_basis(const Qr& qr, const MatrixXd& U) {
  MatrixXd basis = MatrixXd::Identity(qr.rows(), qr.rows());
  basis.topLeftCorner(U.rows(), U.cols()) = U;
  basis.applyOnTheLeft(qr.householderQ());
  return basis;
}

// SVD by Jacobi rotations on the triangle of A P = Q R. Pivoting sorts the columns by size, so that small
// singular values of badly scaled columns keep their relative accuracy.
Svd small_svd(const MatrixXd& A) {
  const Eigen::ColPivHouseholderQR<MatrixXd> qr(A);
  const MatrixXd R = qr.matrixQR().topRows(A.cols()).triangularView<Eigen::Upper>();
  Svd svd = square_svd<Eigen::JacobiSVD<MatrixXd>>(R);
  return {complete_basis(qr, svd.U), std::move(svd.s), qr.colsPermutation() * svd.V};
}

Svd large_svd(const MatrixXd& A) {
  if (A.rows() == A.cols()) return square_svd<Eigen::BDCSVD<MatrixXd>>(A);
  const Eigen::HouseholderQR<MatrixXd> qr(A);
  const MatrixXd R = qr.matrixQR().topRows(A.cols()).triangularView<Eigen::Upper>();
  Svd svd = square_svd<Eigen::BDCSVD<MatrixXd>>(R);
  svd.U = complete_basis(qr, svd.U);
  return svd;
}

// Whether the sizes of the rows of A differ more than those of its columns.
bool graded_by_rows(const MatrixXd& A) {
  const VectorXd rows = A.rowwise().stableNorm();
  const VectorXd columns = A.colwise().stableNorm().transpose();
  return rows.minCoeff() * columns.maxCoeff() < columns.minCoeff() * rows.maxCoeff();
}

// A power of two that brings the largest entry of A into [1, 2), so that squares of entries neither overflow
// nor underflow.
double normalising_scale(const MatrixXd& A) {
  const double largest = A.size() > 0 ? A.cwiseAbs().maxCoeff() : 0.0;
  return std::isnormal(largest) ? std::ldexp(1.0, -std::ilogb(largest)) : 1.0;
}

// The SVD without normalised signs. It works on A or A^T, whichever is tall; for a square matrix, on the one
// whose columns differ more.
Svd unpinned_svd(const MatrixXd& A) {
  const bool transposed = A.rows() == A.cols() ? graded_by_rows(A) : A.rows() < A.cols();
  const double scale = normalising_scale(A);
  const MatrixXd tall = scale * (transposed ? A.transpose() : A);
  Svd svd = tall.cols() <= largest_jacobi_size ? small_svd(tall) : large_svd(tall);
  svd.s /= scale;
  if (transposed) std::swap(svd.U, svd.V);
  return svd;
}

}  // namespace

SymmetricEigen symmetric_eigen(const MatrixXd& S) {
  const PinnedCacheSizes pinned;
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(S);
  SymmetricEigen eigen{solver.eigenvectors(), solver.eigenvalues()};
  fix_signs(eigen.U);
  return eigen;
}

SymmetricEigen factor_eigen(const MatrixXd& B) {
  const PinnedCacheSizes pinned;
  const Svd svd = unpinned_svd(B);
  SymmetricEigen eigen{svd.U.rowwise().reverse(), VectorXd::Zero(B.rows())};
  eigen.l.tail(svd.s.size()) = svd.s.reverse().cwiseAbs2();
  fix_signs(eigen.U);
  return eigen;
}

Index Svd::rank() const {
  if (s.size() == 0) return 0;
  const double threshold = static_cast<double>(std::max(U.rows(), V.rows())) * epsilon * s(0);
  return (s.array() > threshold).count();
}

namespace {

/// Memory of the solver's U and V and of its workspace.
std::uint64_t bytes_of_svd(const MatrixXd& A) {
  const auto rows = static_cast<std::uint64_t>(A.rows());
  const auto cols = static_cast<std::uint64_t>(A.cols());
  return saturating_product(saturating_sum(saturating_product(rows, rows), saturating_product(cols, cols)),
                            3 * sizeof(double));
}

}  // namespace

Svd full_svd(const MatrixXd& A) {
  require_memory(bytes_of_svd(A), "the singular value decomposition of a matrix ", A.rows(), " x ", A.cols());
  const PinnedCacheSizes pinned;
  Svd svd = unpinned_svd(A);
  const Index paired = svd.s.size();
  for (Index j = 0; j < svd.V.cols(); ++j) {
    const double sign = sign_of_largest(svd.V.col(j));
    svd.V.col(j) *= sign;
    if (j < paired) svd.U.col(j) *= sign;
  }
  for (Index j = paired; j < svd.U.cols(); ++j) svd.U.col(j) *= sign_of_largest(svd.U.col(j));
  return svd;
}

MatrixXd triangular_factor(const MatrixXd& M) {
  const PinnedCacheSizes pinned;
  const Index m = M.rows();
  const Index k = std::min(m, M.cols());
  const double scale = normalising_scale(M);
  const Eigen::HouseholderQR<MatrixXd> qr(scale * M.transpose());
  const MatrixXd R = qr.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  MatrixXd L = MatrixXd::Zero(m, m);
  for (Index j = 0; j < k; ++j)
    L.col(j).tail(m - j) = (R(j, j) < 0.0 ? -1.0 : 1.0) / scale * R.row(j).tail(m - j).transpose();
  return L;
}

std::optional<MatrixXd> cholesky(const MatrixXd& S) {
  const PinnedCacheSizes pinned;
  const Eigen::LLT<MatrixXd> llt(S);
  if (llt.info() != Eigen::Success) return std::nullopt;
  MatrixXd L = llt.matrixL();
  // A pivot below the rounding of its own sum has no correct digit: in double the matrix cannot be told from
  // a singular one.
  const double rounding = static_cast<double>(S.rows()) * epsilon;
  for (Index i = 0; i < S.rows(); ++i) {
    if (!(L(i, i) * L(i, i) > rounding * S(i, i))) return std::nullopt;
  }
  return L;
}

MatrixXd solve_lower(const MatrixXd& L, const MatrixXd& B) {
  const PinnedCacheSizes pinned;
  return L.triangularView<Eigen::Lower>().solve(B);
}

MatrixXd solve_lower_transposed(const MatrixXd& L, const MatrixXd& B) {
  const PinnedCacheSizes pinned;
  return L.transpose().triangularView<Eigen::Upper>().solve(B);
}

MatrixXd product(const MatrixXd& A, const MatrixXd& B) {
  const PinnedCacheSizes pinned;
  return A * B;
}

MatrixXd reconstruct(const MatrixXd& U, const VectorXd& l) {
  const PinnedCacheSizes pinned;
  const MatrixXd scaled = U * l.asDiagonal();
  MatrixXd S = scaled * U.transpose();
  S.triangularView<Eigen::StrictlyUpper>() = S.transpose();
  return S;
}

}  // namespace gmdiff::linear_algebra
