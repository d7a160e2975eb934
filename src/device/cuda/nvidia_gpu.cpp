#include "device/cuda/nvidia_gpu.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <gmdiff/device.hpp>

#include "device/cuda/check.hpp"
#include "device/cuda/discovery.hpp"
#include "kernels/launch.hpp"

namespace gmdiff::cuda {

namespace {

/// Makes a GPU the current one of this thread, and the caller's the current one again at the end. Where they are the same nothing is set:
/// setting a GPU starts it.
class DeviceScope {
 public:
  explicit DeviceScope(int index) : index_(index), before_(index) {
    GMDIFF_CUDA_CHECK(cudaGetDevice(&before_));
    if (before_ != index_) GMDIFF_CUDA_CHECK(cudaSetDevice(index_));
  }
  /// For destructors.
  DeviceScope(int index, std::nothrow_t) noexcept : index_(index), before_(index) {
    ignore(cudaGetDevice(&before_));
    if (before_ != index_) ignore(cudaSetDevice(index_));
  }
  ~DeviceScope() {
    if (before_ != index_) ignore(cudaSetDevice(before_));
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int index_;
  int before_;
};

/// A stream that does not wait for what the caller does on the default stream.
class Stream {
 public:
  explicit Stream(int device) : device_(device) {
    const DeviceScope scope(device_);
    GMDIFF_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~Stream() {
    const DeviceScope scope(device_, std::nothrow);
    ignore(cudaStreamDestroy(stream_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }

 private:
  int device_;
  cudaStream_t stream_ = nullptr;
};

bool waits_for_launches() {
  const char* const text = std::getenv("GMDIFF_CUDA_SYNC");
  const std::string_view value = text == nullptr ? "" : text;
  require(value.empty() || value == "0" || value == "1", "GMDIFF_CUDA_SYNC: expected 0 or 1, got \"", value, "\"");
  return value == "1";
}

/// Memory comes from cudaMalloc and goes with cudaFree, which waits for everything that still uses it: the executor's few large arrays.
class NvidiaGpu final : public Gpu {
 public:
  NvidiaGpu(int index, std::string name) : index_(index), name_(std::move(name)), waits_(waits_for_launches()), stream_(index) {
    const DeviceScope scope(index_);
    // What discovery could not see: machine code for some architectures alone, or PTX that the driver is too old for.
    if (const cudaError_t error = kernels::load_nothing(); error != cudaSuccess) {
      ignore(error);
      throw DeviceError(concat(name_, ": this build's kernels cannot be loaded: ", cudaGetErrorString(error)));
    }
  }

  int index() const override { return index_; }
  void* stream() const override { return stream_.get(); }

  std::size_t free_memory() const override {
    const DeviceScope scope(index_);
    std::size_t free = 0, total = 0;
    GMDIFF_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    return free;
  }

  void* allocate(std::size_t bytes) override {
    const DeviceScope scope(index_);
    void* memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, bytes);
    if (error == cudaErrorMemoryAllocation) {
      ignore(error);
      throw DeviceError(concat(name_, ": out of memory: ", bytes, " bytes wanted, ", free_memory(), " free"));
    }
    check(error, "cudaMalloc", __FILE__, __LINE__);
    return memory;
  }

  void release(void* memory) noexcept override {
    const DeviceScope scope(index_, std::nothrow);
    ignore(cudaFree(memory));
  }

  /// Pageable memory has been read when this returns; page-locked memory of the caller is read later.
  void upload(void* to, const void* from, std::size_t bytes) override {
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_.get()));
  }

  void download(void* to, const void* from, std::size_t bytes) override {
    const DeviceScope scope(index_);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.get()));
    GMDIFF_CUDA_CHECK(cudaStreamSynchronize(stream_.get()));
  }

  kernels::Limits limits() const override {
    // A kernel's own variables in shared memory count as well.
    constexpr std::size_t own_bytes = 1024;
    // At 64 registers a thread half of a multiprocessor's threads are there at once.
    const std::int64_t blocks = attribute(cudaDevAttrMaxThreadsPerMultiProcessor) / (2 * kernels::block_threads);
    return {.shared_bytes = static_cast<std::size_t>(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) - own_bytes,
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
  void launch(const kernels::ProjectionJob& job) override {
    launch_with("launch of projections", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::PairSumJob& job) override {
    launch_with("launch of pair sums", [&] { kernels::launch(job, stream_.get()); });
  }
  void launch(const kernels::TransportJob& job) override {
    launch_with("launch of transport", [&] { kernels::launch(job, stream_.get()); });
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
  std::string name_;  // as in messages: "device cuda:1"
  bool waits_;
  Stream stream_;
};

}  // namespace

std::unique_ptr<Gpu> make_gpu(int index) {
  const std::string name = "device " + Device::cuda(index).name();
  if (const std::string reason = why_unusable(index); !reason.empty()) throw DeviceError(name + ": " + reason);
  return std::make_unique<NvidiaGpu>(index, name);
}

}  // namespace gmdiff::cuda
