#pragma once

#include <string>

#include <gmdiff/model/denoiser.hpp>

namespace gmdiff {

/// The name of a custom denoiser.
const std::string& id_of(const Denoiser& denoiser);
/// @throws std::invalid_argument for a denoiser without name or function.
void check_denoiser(const Denoiser& denoiser);
/// What all plans of custom denoisers refuse: laws that draw from a mixture.
/// @throws std::invalid_argument when the start is the exact one.
void check_start(const Denoiser& denoiser, bool is_gaussian);

}  // namespace gmdiff
