#include <gmdiff/device/device.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "device/cpu/cpu.hpp"
#include "device/executor.hpp"
#include "device/reference/reference.hpp"
#include "device/several.hpp"
#ifdef GMDIFF_HAS_CUDA
#include "device/cuda/discovery.hpp"
#include "device/cuda/executor.hpp"
#include "device/cuda/nvidia_gpu.hpp"
#endif

namespace gmdiff {

namespace {

#ifdef GMDIFF_HAS_CUDA
std::vector<DeviceInfo> find_gpus() { return cuda::discover(); }
std::unique_ptr<Executor> make_gpu_executor(int index) {
  return cuda::make_executor(cuda::make_gpu(index), Device::cuda(index).name());
}
std::unique_ptr<Executor> make_cuda_executor(const Device& device) {
  if (device.numbers().size() == 1) return make_gpu_executor(device.number());
  std::vector<std::unique_ptr<Executor>> gpus;
  for (const int index : device.numbers()) gpus.push_back(make_gpu_executor(index));
  return make_executor_of_several(std::move(gpus), device.name());
}
#else
constexpr const char* cuda_reason =
    "this build has no CUDA support (GMDIFF_CUDA=OFF, or no CUDA toolkit was found)";
std::vector<DeviceInfo> find_gpus() {
  return {{.name = "cuda", .description = "NVIDIA GPU", .available = false, .reason = cuda_reason}};
}
std::unique_ptr<Executor> make_cuda_executor(const Device& device) {
  throw DeviceUnavailable(concat("device ", device.name(), ": ", cuda_reason));
}
#endif

/// Parses the digits of a device's name; empty when they are not a number that fits an int.
std::optional<int> parse_number(std::string_view digits) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || number < 0) return {};
  return number;
}

/// Parses comma-separated numbers such as "0,1"; empty when one of them is missing or not a number.
std::optional<std::vector<int>> parse_numbers(std::string_view text) {
  std::vector<int> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    const std::optional<int> number = parse_number(text.substr(begin, comma - begin));
    if (!number) return {};
    numbers.push_back(*number);
    begin = comma + 1;
  }
  return numbers;
}

std::string list_text(const std::vector<int>& numbers) {
  std::string text;
  for (const int number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

}  // namespace

Device Device::cuda(std::vector<int> indices) {
  require(!indices.empty(), "Device: cuda needs the index of a GPU, got an empty list");
  for (auto index = indices.begin(); index != indices.end(); ++index) {
    require(*index >= 0, "Device: cuda index must not be negative, got ", *index,
            " in cuda:", list_text(indices));
    require(std::find(indices.begin(), index, *index) == index, "Device: cuda index ", *index,
            " occurs twice in cuda:", list_text(indices), ", expected each GPU once");
  }
  return Device(Kind::cuda, std::move(indices));
}

Device Device::best() {
  // Determined once: every Options without a device asks for it, and the GPUs do not change while a program
  // runs.
  static const Device found = [] {
    for (const DeviceInfo& gpu : find_gpus()) {
      if (gpu.available) return parse(gpu.name);
    }
    return cpu();
  }();
  return found;
}

Device Device::parse(std::string_view name) {
  if (name == "best") return best();
  if (name == "reference") return reference();
  const std::size_t colon = name.find(':');
  const std::string_view kind = name.substr(0, colon);
  const std::optional numbers = parse_numbers(colon == std::string_view::npos ? "0" : name.substr(colon + 1));
  if (kind == "cpu" && numbers && numbers->size() == 1) return cpu(numbers->front());
  if (kind == "cuda" && numbers) return cuda(*numbers);
  fail("Device: expected best, reference, cpu, cpu:THREADS, cuda, cuda:INDEX or cuda:INDEX,INDEX..., got \"",
       name, "\"");
}

std::string Device::name() const {
  if (kind_ == Kind::reference) return "reference";
  const std::string kind = kind_ == Kind::cpu ? "cpu" : "cuda";
  return numbers_ == std::vector{0} ? kind : kind + ":" + list_text(numbers_);
}

namespace {

/// The cpu is unavailable only when the environment asks for instructions that it does not have.
DeviceInfo cpu_info() {
  try {
    return {.name = "cpu", .description = cpu::description(), .available = true, .reason = ""};
  } catch (const std::exception& error) {
    return {.name = "cpu",
            .description = "vectorised, all processors",
            .available = false,
            .reason = error.what()};
  }
}

}  // namespace

std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> list = {{.name = "reference",
                                   .description = "double precision, one particle at a time, one thread",
                                   .available = true,
                                   .reason = ""},
                                  cpu_info()};
  for (DeviceInfo& gpu : find_gpus()) list.push_back(std::move(gpu));
  return list;
}

void check_number(const Device& device) {
  constexpr int most_threads = 1024;
  const bool is_cpu = device.kind() == Device::Kind::cpu;
  require(device.number() >= 0, "Device: ", is_cpu ? "cpu threads" : "cuda index",
          " must not be negative, got ", device.number());
  require(!is_cpu || device.number() <= most_threads, "Device: cpu threads must be at most ", most_threads,
          ", got ", device.number());
}

std::unique_ptr<Executor> make_executor(const Device& device) {
  check_number(device);
  switch (device.kind()) {
    case Device::Kind::cpu:
      return cpu::make_executor(device.number());
    case Device::Kind::cuda:
      return make_cuda_executor(device);
    case Device::Kind::reference:
      return reference::make_executor();
  }
  fail("Device: unknown kind of device");
}

}  // namespace gmdiff
