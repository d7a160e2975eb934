#pragma once

#include <gmdiff/network/trained_sampler.hpp>

namespace gmdiff::network {

/// @throws std::invalid_argument naming the setting, its range and the value given.
void check_settings(const SamplerSettings& settings, Eigen::Index dim);
/// Checks the settings of a refinement (mathematics.md §17.13). @throws as above.
void check_refinement(const SamplerSettings& settings, Eigen::Index dim);
/// @throws std::invalid_argument for active components or chains that the training cannot have.
void check_refined(const SamplerTraining& training);
/// Bytes of the chains of a refinement.
std::uint64_t refinement_bytes(const SamplerSettings& settings, Eigen::Index dim);
/// @throws std::invalid_argument when the gradient of the loss needs Hessian products that the target lacks.
void check_hessian(const SamplerSettings& settings, const Target& target);
/// The name of a target, with the id of a custom one.
std::string target_identity(const Target& target);
/// @throws std::invalid_argument for settings out of range, arrays of wrong sizes, or another target.
void check_sampler(const SamplerTraining& training, const Target& target);

/// Names of the networks in their order: u, v.
std::vector<const char*> network_names(const SamplerSettings& settings);

/// Bytes of a run: the model, the workspace of the threads, and the gradients of `blocks` blocks.
std::uint64_t sampler_bytes(const SamplerSettings& settings, Eigen::Index dim, int threads,
                            std::int64_t blocks);

}  // namespace gmdiff::network
