#include <gmdiff/base/version.hpp>

#define GMDIFF_TEXT_OF(number) #number
#define GMDIFF_TEXT(number) GMDIFF_TEXT_OF(number)

namespace gmdiff {

const char* version() {
  return GMDIFF_TEXT(GMDIFF_VERSION_MAJOR) "." GMDIFF_TEXT(GMDIFF_VERSION_MINOR) "." GMDIFF_TEXT(
      GMDIFF_VERSION_PATCH);
}

}  // namespace gmdiff
