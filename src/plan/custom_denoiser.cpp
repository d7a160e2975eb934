#include "plan/custom_denoiser.hpp"

#include "base/check.hpp"

namespace gmdiff {

const std::string& id_of(const Denoiser& denoiser) {
  return std::visit([](const auto& given) -> const std::string& { return given.id; }, denoiser);
}

void check_denoiser(const Denoiser& denoiser) {
  std::visit(
      [](const auto& given) {
        require(!given.id.empty(), "denoiser: the id is empty; it names the denoiser in results");
        require(static_cast<bool>(given.function), "denoiser \"", given.id, "\": has no function");
      },
      denoiser);
}

void check_start(const Denoiser& denoiser, bool is_gaussian) {
  require(is_gaussian, "denoiser \"", id_of(denoiser),
          "\": the exact start draws from a mixture; the sampler needs start = gaussian");
}

}  // namespace gmdiff
