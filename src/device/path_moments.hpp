#pragma once

#include <gmdiff/device/path_moments.hpp>

namespace gmdiff {

/// `path_moments` with at most `most` paths in each part.
PathMoments path_moments(const Plan& plan, const Options& options, std::int64_t most);

}  // namespace gmdiff
