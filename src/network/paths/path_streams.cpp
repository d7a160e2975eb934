#include "network/paths/path_streams.hpp"

#include "base/random.hpp"

namespace gmdiff::network {

void PathStreams::fill_components(std::uint64_t first, const PathModel& model,
                                  Eigen::Index* component) const {
  for (Eigen::Index p = 0; p < block_paths; ++p) {
    const StreamKey key{.seed = seed,
                        .index = first + static_cast<std::uint64_t>(p),
                        .purpose = Purpose::start_component,
                        .replicate = replicate};
    component[p] = model.components() == 1
                       ? 0
                       : model.component(categorical_uniform(uniform_u64(key, 0), Precision::f64));
  }
}

void PathStreams::fill_start(std::uint64_t first, const PathModel& model, const PathUnit& unit,
                             double* noise) const {
  unit.normals({.seed = seed,
                .purpose = Purpose::start_noise,
                .replicate = replicate,
                .first_path = first,
                .first_normal = 0,
                .count = model.dim()},
               noise);
}

template <class Real>
void PathStreams::fill_forward(std::uint64_t first, PathBlock<Real>& block) const {
  const PathModel& model = block.setting().model;
  fill_components(first, model, block.component());
  fill_start(first, model, block.setting().unit, block.start_noise());
  block.setting().unit.normals({.seed = seed,
                                .purpose = Purpose::step_noise,
                                .replicate = replicate,
                                .first_path = first,
                                .first_normal = 0,
                                .count = model.steps() * model.dim()},
                               block.noise(0));
}

template <class Real>
void PathStreams::fill_backward(std::uint64_t first, PathBlock<Real>& block) const {
  const PathModel& model = block.setting().model;
  block.setting().unit.normals({.seed = seed,
                                .purpose = Purpose::forward_noise,
                                .replicate = replicate,
                                .first_path = first,
                                .first_normal = 0,
                                .count = model.steps() * model.dim()},
                               block.noise(0));
}

template void PathStreams::fill_forward(std::uint64_t, PathBlock<float>&) const;
template void PathStreams::fill_forward(std::uint64_t, PathBlock<double>&) const;
template void PathStreams::fill_backward(std::uint64_t, PathBlock<float>&) const;
template void PathStreams::fill_backward(std::uint64_t, PathBlock<double>&) const;

}  // namespace gmdiff::network
