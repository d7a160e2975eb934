#pragma once

#include <cuda_runtime_api.h>

#include "kernels/check.hpp"

namespace gmdiff::bench {

/// An event in a stream, which the GPU records with its own clock.
class Event {
 public:
  Event() { GMDIFF_CUDA_CHECK(cudaEventCreate(&event_)); }
  ~Event() { cuda::ignore(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(cudaStream_t stream) { GMDIFF_CUDA_CHECK(cudaEventRecord(event_, stream)); }
  /// Waits for this event, which comes after `begin`.
  double seconds_since(const Event& begin) const {
    GMDIFF_CUDA_CHECK(cudaEventSynchronize(event_));
    float milliseconds = 0.0F;
    GMDIFF_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, begin.event_, event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Seconds of the work that `work()` queues on the stream.
template <class Work>
double timed(cudaStream_t stream, Work work) {
  Event begin, end;
  begin.record(stream);
  work();
  end.record(stream);
  return end.seconds_since(begin);
}

}  // namespace gmdiff::bench
