#include "io/setting_numbers.hpp"

#include <cmath>

#include "base/check.hpp"

namespace gmdiff::io {

double SettingReader::next_whole(const char* name, double largest) {
  const double value = next();
  require(value >= 0.0 && value <= largest && value == std::floor(value), file_,
          ": settings: expected a whole number from 0 to ", largest, " for ", name, ", got ", value);
  return value;
}

}  // namespace gmdiff::io
