#pragma once

#include <cuda_runtime_api.h>

namespace gmdiff::bench {

/// Tables of the yardstick by matrix products (matrix_step.hpp).
struct WeightTables {
  const float *shifts, *precisions, *gains;  ///< (K, d): alpha m_kj, 1/2 / c_kj, g_kj
  const float* constants;                    ///< (K): log w_k - 1/2 log det C_k
  int dim, components, count;
};

/// Responsibilities (count, K) from products Z = X B (count, K d), and the weighted products: Z_kj <- r_k
/// g_kj (Z_kj - alpha m_kj).
void weigh(const WeightTables& tables, float* products, float* responsibilities, cudaStream_t stream);

}  // namespace gmdiff::bench
