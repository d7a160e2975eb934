#include <gmdiff/model/denoiser.hpp>

#include <utility>

namespace gmdiff {

HostDenoiser denoiser_of(HostScore score) {
  HostDenoiser denoiser{.id = score.id, .function = nullptr};
  if (!score.function) return denoiser;
  denoiser.function = [function = std::move(score.function)](const Points& x, Level level, Points& denoised) {
    function(x, level, denoised);
    denoised = (x + level.sigma * level.sigma * denoised) / level.alpha;
  };
  return denoiser;
}

}  // namespace gmdiff
