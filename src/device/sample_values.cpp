#include "device/sample_values.hpp"

#include <sys/mman.h>

#include <new>
#include <utility>

#include "base/check.hpp"
#include "base/machine.hpp"

namespace gmdiff {

namespace {

/// Requests large pages from systems that give them only on request: page faults of small pages would take a
/// fifth of the time of exact draws.
template <class Scalar>
Samples::Values<Scalar> in_large_pages(Samples::Values<Scalar> values) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t page = std::size_t{2} << 20;
  void* first = values.data();
  std::size_t room = values.size() * sizeof(Scalar);
  // Only a hint: the result of the call does not matter.
  if (std::align(page, page, first, room) != nullptr) madvise(first, room / page * page, MADV_HUGEPAGE);
#endif
  return values;
}

}  // namespace

Samples::Buffer host_values(std::size_t size, Precision precision) {
  if (precision == Precision::f32) return in_large_pages(Samples::Values<float>(size));
  return in_large_pages(Samples::Values<double>(size));
}

SampleValues::SampleValues(Samples::Buffer host)
    : precision_(std::holds_alternative<Samples::Values<float>>(host) ? Precision::f32 : Precision::f64),
      size_(std::visit([](const auto& values) { return values.size(); }, host)),
      host_(std::move(host)) {}

SampleValues::SampleValues(std::unique_ptr<const DeviceMemory> memory, Precision precision, std::size_t size)
    : memory_(std::move(memory)), precision_(precision), size_(size) {}

std::optional<OnDevice> SampleValues::on_device() const {
  if (memory_ == nullptr) return {};
  return OnDevice{.data = memory_->data(), .stream = memory_->stream(), .index = memory_->index()};
}

const Samples::Buffer& SampleValues::host() const {
  if (memory_ != nullptr) std::call_once(downloaded_, [this] { download(); });
  return host_;
}

void SampleValues::download() const {
  const std::size_t bytes = size_ * bytes_of_a_value(precision_);
  require_memory(bytes, "the copy of the samples from the device");
  try {
    host_ = host_values(size_, precision_);
  } catch (const std::bad_alloc&) {
    throw MemoryError(out_of_memory_text(bytes, "the copy of the samples from the device"));
  }
  std::visit([&](auto& values) { memory_->download(values.data(), bytes); }, host_);
}

}  // namespace gmdiff
