#include "device/result_values.hpp"

#include <utility>

#include "device/run_checks.hpp"

namespace gmdiff {

ResultValues::ResultValues(std::unique_ptr<DeviceMemory> memory, std::uint64_t count,
                           std::uint64_t values_each, Precision precision, const char* of)
    : memory_(std::move(memory)), precision_(precision) {
  if (!on_device()) host_ = allocate(count, values_each, precision, of);
}

std::variant<float*, double*> ResultValues::from(std::int64_t first) {
  if (!on_device())
    return std::visit([first](auto& values) { return std::variant<float*, double*>(values.data() + first); },
                      host_);
  if (precision_ == Precision::f32) return static_cast<float*>(memory_->data()) + first;
  return static_cast<double*>(memory_->data()) + first;
}

std::shared_ptr<const SampleValues> ResultValues::take(std::size_t size) {
  if (on_device()) return std::make_shared<SampleValues>(std::move(memory_), precision_, size);
  std::visit([size](auto& values) { values.resize(size); }, host_);
  return std::make_shared<SampleValues>(std::move(host_));
}

}  // namespace gmdiff
