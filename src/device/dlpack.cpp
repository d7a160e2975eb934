#include <gmdiff/device/dlpack.hpp>

#include <dlpack/dlpack.h>

#include <memory>
#include <utility>

namespace gmdiff {

namespace {

/// A tensor and the data that it points to.
struct Export {
  explicit Export(const Samples& exported) : samples(exported), shape(samples.shape()) {}

  Samples samples;
  std::vector<std::int64_t> shape;  // not const, because DLPack's pointer to the shape is not
  DLManagedTensor tensor{};
};

const void* host_data(const Samples& samples) {
  if (samples.precision() == Precision::f32) return samples.host<float>().data();
  return samples.host<double>().data();
}

}  // namespace

DLManagedTensor* to_dlpack(const Samples& samples) {
  auto made = std::make_unique<Export>(samples);
  const std::optional<OnDevice> gpu = samples.on_device();
  const void* const data = gpu ? gpu->data : host_data(samples);
  DLTensor& tensor = made->tensor.dl_tensor;
  tensor.data = const_cast<void*>(data);  // DLPack has no pointer to const
  tensor.device = {.device_type = gpu ? kDLCUDA : kDLCPU, .device_id = gpu ? gpu->index : 0};
  tensor.ndim = static_cast<int>(made->shape.size());
  tensor.dtype = {.code = kDLFloat,
                  .bits = static_cast<std::uint8_t>(samples.precision() == Precision::f32 ? 32 : 64),
                  .lanes = 1};
  tensor.shape = made->shape.data();
  made->tensor.manager_ctx = made.get();
  made->tensor.deleter = [](DLManagedTensor* self) { delete static_cast<Export*>(self->manager_ctx); };
  return &made.release()->tensor;
}

}  // namespace gmdiff
