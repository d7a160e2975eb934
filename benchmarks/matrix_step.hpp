#pragma once

#include <cublas_v2.h>

#include <cstdint>
#include <vector>

#include <gmdiff/plan/plan.hpp>

#include "device_array.hpp"

namespace gmdiff::bench {

/// The yardstick of full covariances: one step x <- a x + b D(x) by matrix products of cuBLAS, in float32, on
/// the current GPU. With B = [U_1 ... U_K] (d, K d):
///     Z = X B                                         one product
///     r_k and Z_kj <- r_k g_kj (Z_kj - alpha m_kj)    one kernel, a warp a particle
///     X <- a X + b (Z B^T + R M)                      two products
/// where m_k = U_k^T mu_k and g_kj = alpha l_kj / (alpha^2 l_kj + sigma^2).
class MatrixStep {
 public:
  /// @param states (count, d) row-major
  /// @throws DeviceError
  MatrixStep(const MixtureTable& law, const AffineStep& step, const std::vector<float>& states);
  ~MatrixStep();
  MatrixStep(const MatrixStep&) = delete;
  MatrixStep& operator=(const MatrixStep&) = delete;

  /// Queues one step on the default stream.
  void run();
  std::vector<float> states() const { return states_.values(); }

 private:
  int dim_, components_, count_;
  float a_, b_;
  cublasHandle_t handle_ = nullptr;
  DeviceArray<float> bases_, means_, shifts_, precisions_, gains_, constants_;
  DeviceArray<float> states_, products_, responsibilities_;
};

}  // namespace gmdiff::bench
