#include "device/cuda/nvidia_gpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gmdiff/device/device.hpp>

#include "device/cuda/device_scope.hpp"
#include "device/cuda/discovery.hpp"
#include "device/cuda/memory_pool.hpp"
#include "device/cuda/staging.hpp"
#include "kernels/check.hpp"
#include "kernels/launch.hpp"

namespace gmdiff::cuda {

namespace {

bool waits_for_launches() {
  const char* const text = std::getenv("GMDIFF_CUDA_SYNC");
  const std::string_view value = text == nullptr ? "" : text;
  require(value.empty() || value == "0" || value == "1", "GMDIFF_CUDA_SYNC: expected 0 or 1, got \"", value,
          "\"");
  return value == "1";
}

/// Whether the error says that this GPU or its driver cannot run the compiled kernels; other errors are
/// temporary failures.
bool is_of_the_build(cudaError_t error) {
  return error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidKernelImage ||
         error == cudaErrorInvalidPtx || error == cudaErrorUnsupportedPtxVersion ||
         error == cudaErrorJitCompilerNotFound || error == cudaErrorJitCompilationDisabled;
}

class NvidiaGpu final : public Gpu {
 public:
  NvidiaGpu(int index, std::string name)
      : index_(index),
        name_(std::move(name)),
        waits_(waits_for_launches()),
        stream_(index),
        pool_(index, stream_.get()),
        staging_(index) {
    const DeviceScope scope(index_);
    // Discovery cannot detect missing machine code for this architecture or a driver that is too old for the
    // PTX.
    if (const cudaError_t error = kernels::load_nothing(); error != cudaSuccess) {
      if (!is_of_the_build(error)) check(error, "loading kernels", __FILE__, __LINE__);
      ignore(error);
      throw DeviceUnavailable(
          concat(name_, ": this build's kernels cannot be loaded: ", cudaGetErrorString(error)));
    }
  }

  int index() const override { return index_; }
  void* stream() const override { return stream_.get(); }

  std::size_t free_memory() const override { return pool_.free(); }

  void* allocate(std::size_t bytes) override {
    void* const memory = pool_.allocate(bytes);
    if (memory == nullptr) throw out_of_memory(name_, bytes, "", pool_.free());
    return memory;
  }

  void release(void* memory) noexcept override { pool_.release(memory); }
  void rest() noexcept override { pool_.rest(); }

  /// Pageable memory has been read when this function returns; page-locked memory of the caller is read
  /// later.
  void upload(void* to, const void* from, std::size_t bytes) override {
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_.get()));
  }

  void download(void* to, const void* from, std::size_t bytes) override {
    // Allocating two buffers pays off for a copy of many pieces.
    if (bytes >= 8 * Staging::buffer_bytes) return staging_.download(to, from, bytes, stream_.get());
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.get()));
    GMDIFF_CUDA_CHECK(cudaStreamSynchronize(stream_.get()));
  }

  void copy(void* to, const void* from, std::size_t bytes) override {
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_.get()));
  }

  void wait() override {
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaStreamSynchronize(stream_.get()));
  }

  std::shared_ptr<void> make_current() const override { return std::make_shared<DeviceScope>(index_); }

  kernels::Limits limits() const override {
    // The kernels' static variables in shared memory count as well.
    constexpr std::size_t own_bytes = 1024;
    // With 64 registers per thread, half of a multiprocessor's threads are resident at once.
    const std::int64_t blocks =
        attribute(cudaDevAttrMaxThreadsPerMultiProcessor) / (2 * kernels::block_threads);
    return {.shared_bytes =
                static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) - own_bytes,
            .blocks = attribute(cudaDevAttrMultiProcessorCount) * std::max<std::int64_t>(blocks, 1)};
  }

  void launch(const kernels::StepsJob<float>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of steps in float32");
  }
  void launch(const kernels::StepsJob<double>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of steps in float64");
  }
  void launch(const kernels::PointsJob<float>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of points in float32");
  }
  void launch(const kernels::PointsJob<double>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of points in float64");
  }
  void launch(const kernels::ProgramJob<float>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of stages in float32");
  }
  void launch(const kernels::ProgramJob<double>& job, const kernels::Geometry& geometry) override {
    launch_job(job, geometry, "launch of stages in float64");
  }
  void launch(const kernels::ChainsJob<float>& job) override {
    launch_with("launch of SMC in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::ChainsJob<double>& job) override {
    launch_with("launch of SMC in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::RotationJob<float>& job) override {
    launch_with("launch of a rotation in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::RotationJob<double>& job) override {
    launch_with("launch of a rotation in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::ChainRowsJob<float>& job) override {
    launch_with("launch of rows of chains in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::ChainRowsJob<double>& job) override {
    launch_with("launch of rows of chains in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::NetworkJob<float>& job) override {
    launch_with("launch of a network in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::NetworkJob<double>& job) override {
    launch_with("launch of a network in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::PathJob<float>& job) override {
    launch_with("launch of paths with networks in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::PathJob<double>& job) override {
    launch_with("launch of paths with networks in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::AdjointJob<float>& job) override {
    launch_with("launch of a reverse sweep with networks in float32",
                [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::AdjointJob<double>& job) override {
    launch_with("launch of a reverse sweep with networks in float64",
                [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::NetworkSumsJob<float>& job) override {
    launch_with("launch of sums of networks in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::NetworkSumsJob<double>& job) override {
    launch_with("launch of sums of networks in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::TreeJob<float>& job) override {
    launch_with("launch of sums of blocks in float32", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::TreeJob<double>& job) override {
    launch_with("launch of sums of blocks in float64", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::ProjectionJob& job) override {
    launch_with("launch of projections", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::PairSumJob& job) override {
    launch_with("launch of pair sums", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::TransportJob& job) override {
    launch_with("launch of transport", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::LineJob& job) override {
    launch_with("launch of distances to laws", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::SortJob& job) override {
    launch_with("launch of a sort", [&] {
      const std::size_t bytes = kernels::sort_bytes(job);
      const Buffer<std::byte> temporary(*this, std::max<std::size_t>(bytes, 1));
      kernels::launch(job, temporary.data(), bytes, stream_.get());
    });
  }

 private:
  int attribute(cudaDeviceAttr attribute) const {
    int value = 0;
    GMDIFF_CUDA_CHECK(cudaDeviceGetAttribute(&value, attribute, index_));
    return value;
  }

  template <class Job>
  void launch_job(const Job& job, const kernels::Geometry& geometry, const char* what) {
    launch_with(what, [&] { kernels::launch(job, geometry, stream_.get()); });
  }

  template <class Launch>
  void launch_with(const char* what, Launch launch) {
    const DeviceScope scope(index_);
    launch();
    GMDIFF_CUDA_CHECK_LAUNCH(what);
    if (waits_) check(cudaStreamSynchronize(stream_.get()), what, __FILE__, __LINE__);
  }

  int index_;
  std::string name_;  // name in messages: "device cuda:1"
  bool waits_;
  Stream stream_;
  MemoryPool pool_;
  Staging staging_;
};

}  // namespace

std::unique_ptr<Gpu> make_gpu(int index) {
  const std::string name = "device " + Device::cuda(index).name();
  if (const std::string reason = why_unusable(index); !reason.empty())
    throw DeviceUnavailable(name + ": " + reason);
  return std::make_unique<NvidiaGpu>(index, name);
}

}  // namespace gmdiff::cuda
