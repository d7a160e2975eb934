#include <algorithm>
#include <cstdint>
#include <limits>

#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>

#include "kernels/check.hpp"
#include "kernels/launch.hpp"

// CUB's radix sorts. No other unit includes CUB, because it takes long to compile. Sorting moves numbers and
// changes none.

namespace gmdiff::kernels {

namespace {

/// CUB sorts a segment by one thread block, but a single array by the whole GPU. From about this length on,
/// sorting segments one by one is faster.
constexpr std::int64_t long_segment = std::int64_t{1} << 20;

/// Offsets of contiguous segments.
struct Offset {
  int length;
  __host__ __device__ int operator()(int segment) const { return segment * length; }
};

/// Number of segments per call: one for long segments, otherwise as many as CUB can number.
std::int64_t segments_at_once(const SortJob& job) {
  return job.length >= long_segment ? 1
                                    : std::min(job.segments, std::numeric_limits<int>::max() / job.length);
}

/// Follows CUB's convention: with a null `temporary` it only sets the number of bytes. After a sort the
/// result is numbers.Current().
cudaError_t sort_segments(const SortJob& job, cub::DoubleBuffer<double>& numbers, std::int64_t segments,
                          void* temporary, std::size_t& bytes, cudaStream_t stream) {
  constexpr int bits = 8 * sizeof(double);
  if (job.length >= long_segment)
    return cub::DeviceRadixSort::SortKeys(temporary, bytes, numbers, job.length, 0, bits, stream);
  const auto begins = thrust::make_transform_iterator(thrust::make_counting_iterator(0),
                                                      Offset{static_cast<int>(job.length)});
  return cub::DeviceSegmentedRadixSort::SortKeys(
      temporary, bytes, numbers, static_cast<int>(segments * job.length), static_cast<int>(segments), begins,
      begins + 1, 0, bits, stream);
}

}  // namespace

std::size_t sort_bytes(const SortJob& job) {
  cub::DoubleBuffer<double> numbers(job.numbers, job.sorted);
  std::size_t bytes = 0;
  GMDIFF_CUDA_CHECK(sort_segments(job, numbers, segments_at_once(job), nullptr, bytes, nullptr));
  return bytes;
}

void launch(const SortJob& job, void* temporary, std::size_t bytes, cudaStream_t stream) {
  const std::int64_t step = segments_at_once(job);
  for (std::int64_t first = 0; first < job.segments; first += step) {
    const std::int64_t segments = std::min(step, job.segments - first);
    double* const sorted = job.sorted + first * job.length;
    cub::DoubleBuffer<double> numbers(job.numbers + first * job.length, sorted);
    GMDIFF_CUDA_CHECK(sort_segments(job, numbers, segments, temporary, bytes, stream));
    // After an even number of passes the result is in the original buffer.
    if (numbers.Current() == sorted) continue;
    const std::size_t size = static_cast<std::size_t>(segments * job.length) * sizeof(double);
    GMDIFF_CUDA_CHECK(cudaMemcpyAsync(sorted, numbers.Current(), size, cudaMemcpyDeviceToDevice, stream));
  }
}

}  // namespace gmdiff::kernels
