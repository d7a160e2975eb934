#include "matrix_step.hpp"

#include <cmath>

#include "base/check.hpp"
#include "weigh.hpp"

namespace gmdiff::bench {

namespace {

/// Variance of x_t along a direction in which the data have variance l.
double variance(double l, Level level) { return level.alpha * level.alpha * l + level.sigma * level.sigma; }

/// Applies a function of l_kj and of U_k^T mu_k to every component and coordinate.
template <class Number>
std::vector<float> numbers(const MixtureTable& law, Number number) {
  std::vector<float> list;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    const Eigen::VectorXd mean =
        law.bases[static_cast<std::size_t>(k)].transpose() * law.means.row(k).transpose();
    for (Eigen::Index j = 0; j < law.dim(); ++j)
      list.push_back(static_cast<float>(number(law.eigenvalues(k, j), mean(j))));
  }
  return list;
}

/// B = [U_1 ... U_K], (d, K d), row-major.
std::vector<float> bases(const MixtureTable& law) {
  std::vector<float> list;
  for (Eigen::Index i = 0; i < law.dim(); ++i) {
    for (const Eigen::MatrixXd& U : law.bases) {
      for (Eigen::Index j = 0; j < law.dim(); ++j) list.push_back(static_cast<float>(U(i, j)));
    }
  }
  return list;
}

std::vector<float> constants(const MixtureTable& law, Level level) {
  std::vector<float> list;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    double constant = law.log_weights(k);
    for (Eigen::Index j = 0; j < law.dim(); ++j) {
      constant -= 0.5 * std::log(variance(law.eigenvalues(k, j), level));
    }
    list.push_back(static_cast<float>(constant));
  }
  return list;
}

std::vector<float> as_float(const Points& values) { return {values.data(), values.data() + values.size()}; }

void check_cublas(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw DeviceError(concat("cuBLAS: ", call, " failed: ", cublasGetStatusString(status)));
}

}  // namespace

MatrixStep::MatrixStep(const MixtureTable& law, const AffineStep& step, const std::vector<float>& states)
    : dim_(static_cast<int>(law.dim())),
      components_(static_cast<int>(law.num_components())),
      count_(static_cast<int>(states.size()) / dim_),
      a_(static_cast<float>(step.a)),
      b_(static_cast<float>(step.b_1)),
      bases_(bases(law)),
      means_(as_float(law.means)),
      shifts_(numbers(law, [&](double, double mean) { return step.level1.alpha * mean; })),
      precisions_(numbers(law, [&](double l, double) { return 0.5 / variance(l, step.level1); })),
      gains_(
          numbers(law, [&](double l, double) { return step.level1.alpha * l / variance(l, step.level1); })),
      constants_(constants(law, step.level1)),
      states_(states),
      products_(static_cast<std::size_t>(count_) * static_cast<std::size_t>(components_ * dim_)),
      responsibilities_(static_cast<std::size_t>(count_) * static_cast<std::size_t>(components_)) {
  check_cublas(cublasCreate(&handle_), "cublasCreate");
}

MatrixStep::~MatrixStep() { cublasDestroy(handle_); }

void MatrixStep::run() {
  // cuBLAS is column-major: a row-major (rows, columns) matrix is a (columns, rows) matrix for it.
  const int width = components_ * dim_;
  const float one = 1.0F, zero = 0.0F;
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, width, count_, dim_, &one, bases_.data(), width,
                           states_.data(), dim_, &zero, products_.data(), width),
               "cublasSgemm of X B");
  const WeightTables tables{shifts_.data(), precisions_.data(), gains_.data(), constants_.data(),
                            dim_,           components_,        count_};
  weigh(tables, products_.data(), responsibilities_.data(), nullptr);
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, dim_, count_, width, &b_, bases_.data(), width,
                           products_.data(), width, &a_, states_.data(), dim_),
               "cublasSgemm of Z B^T");
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, dim_, count_, components_, &b_, means_.data(),
                           dim_, responsibilities_.data(), components_, &one, states_.data(), dim_),
               "cublasSgemm of R M");
}

}  // namespace gmdiff::bench
