#include "matrix_step.hpp"

#include <cmath>

#include "model/check.hpp"

namespace gmdiff::bench {

namespace {

constexpr int warp = 32;
constexpr int warps = 8;

__device__ float sum_of_warp(float value) {
  for (int mask = warp / 2; mask > 0; mask /= 2) value += __shfl_xor_sync(0xffffffffU, value, mask);
  return value;
}
__device__ float max_of_warp(float value) {
  for (int mask = warp / 2; mask > 0; mask /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffU, value, mask));
  return value;
}

struct Tables {
  const float *shifts, *precisions, *gains, *constants;  // (K, d), (K, d), (K, d), (K)
  int dim, components, count;
};

/// Responsibilities of a particle's products, and the products weighted with gains and them.
__global__ void weigh(Tables tables, float* products, float* responsibilities) {
  extern __shared__ float logits_of_block[];
  const int lane = static_cast<int>(threadIdx.x) % warp;
  const auto particle = static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / warp;
  if (particle >= tables.count) return;
  const int K = tables.components, d = tables.dim;
  float* const logits = logits_of_block + (threadIdx.x / warp) * static_cast<unsigned>(K);
  float* const z = products + particle * K * d;

  for (int k = 0; k < K; ++k) {
    float form = 0.0F;
    for (int j = k * d + lane; j < (k + 1) * d; j += warp) {
      const float v = z[j] - tables.shifts[j];
      form = fmaf(tables.precisions[j] * v, v, form);
    }
    form = sum_of_warp(form);
    if (lane == 0) logits[k] = tables.constants[k] - form;
  }
  __syncwarp();
  float largest = -INFINITY;
  for (int k = lane; k < K; k += warp) largest = fmaxf(largest, logits[k]);
  largest = max_of_warp(largest);
  float total = 0.0F;
  for (int k = lane; k < K; k += warp) total += logits[k] = __expf(logits[k] - largest);
  total = sum_of_warp(total);
  __syncwarp();
  for (int k = lane; k < K; k += warp) responsibilities[particle * K + k] = logits[k] / total;
  for (int k = 0; k < K; ++k) {
    const float r = logits[k] / total;
    for (int j = k * d + lane; j < (k + 1) * d; j += warp) z[j] = r * tables.gains[j] * (z[j] - tables.shifts[j]);
  }
}

/// One number for every component and coordinate: of the variances l_kj and of U_k^T mu_k.
template <class Number>
std::vector<float> numbers(const MixtureTable& law, Number number) {
  std::vector<float> list;
  for (Eigen::Index k = 0; k < law.num_components(); ++k) {
    const Eigen::VectorXd mean = law.bases[static_cast<std::size_t>(k)].transpose() * law.means.row(k).transpose();
    for (Eigen::Index j = 0; j < law.dim(); ++j) list.push_back(static_cast<float>(number(law.eigenvalues(k, j), mean(j))));
  }
  return list;
}

/// (d, K d), row by row.
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
      constant -= 0.5 * std::log(level.alpha * level.alpha * law.eigenvalues(k, j) + level.sigma * level.sigma);
    }
    list.push_back(static_cast<float>(constant));
  }
  return list;
}

std::vector<float> as_float(const Points& values) { return {values.data(), values.data() + values.size()}; }

void check_cublas(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) throw DeviceError(concat("cuBLAS: ", call, " failed: ", cublasGetStatusString(status)));
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
      precisions_(numbers(law, [&](double l, double) { return 0.5 / (step.level1.alpha * step.level1.alpha * l + step.level1.sigma * step.level1.sigma); })),
      gains_(numbers(law, [&](double l, double) {
        return step.level1.alpha * l / (step.level1.alpha * step.level1.alpha * l + step.level1.sigma * step.level1.sigma);
      })),
      constants_(constants(law, step.level1)),
      states_(states),
      products_(static_cast<std::size_t>(count_) * static_cast<std::size_t>(components_ * dim_)),
      responsibilities_(static_cast<std::size_t>(count_) * static_cast<std::size_t>(components_)) {
  check_cublas(cublasCreate(&handle_), "cublasCreate");
}

MatrixStep::~MatrixStep() { cublasDestroy(handle_); }

void MatrixStep::run() {
  // cuBLAS is column by column: what is (rows, columns) row by row is (columns, rows) to it.
  const int width = components_ * dim_;
  const float one = 1.0F, zero = 0.0F;
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, width, count_, dim_, &one, bases_.data(), width, states_.data(), dim_, &zero,
                           products_.data(), width),
               "cublasSgemm of X B");
  const Tables tables{shifts_.data(), precisions_.data(), gains_.data(), constants_.data(), dim_, components_, count_};
  const auto blocks = static_cast<unsigned>((count_ + warps - 1) / warps);
  weigh<<<blocks, warps * warp, warps * static_cast<unsigned>(components_) * sizeof(float)>>>(tables, products_.data(),
                                                                                              responsibilities_.data());
  GMDIFF_CUDA_CHECK_LAUNCH("launch of weights");
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_T, CUBLAS_OP_N, dim_, count_, width, &b_, bases_.data(), width, products_.data(), width, &a_,
                           states_.data(), dim_),
               "cublasSgemm of Z B^T");
  check_cublas(cublasSgemm(handle_, CUBLAS_OP_N, CUBLAS_OP_N, dim_, count_, components_, &b_, means_.data(), dim_, responsibilities_.data(),
                           components_, &one, states_.data(), dim_),
               "cublasSgemm of R M");
}

}  // namespace gmdiff::bench
