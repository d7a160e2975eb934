#pragma once

#define GMDIFF_VERSION_MAJOR 0
#define GMDIFF_VERSION_MINOR 1
#define GMDIFF_VERSION_PATCH 0

namespace gmdiff {

/// Version of the library, e.g. "0.1.0". CMakeLists.txt reads the three numbers above.
const char* version();

}  // namespace gmdiff
