#pragma once

#include <string>
#include <vector>

#include <gmdiff/study/compare.hpp>

#include "cli/arguments.hpp"
#include "cli/verb.hpp"

namespace gmdiff::cli {

struct CompareFlags {
  std::vector<std::string> files;
  CommonFlags common;
  FlagText seeds, dx, dy, steps, samplers, metrics, count, slices, repeats, seed, runs, device, precision;
  FlagText results;
  std::vector<std::string> external;
  std::string report;
  bool csv = false;
  bool force = false;
};

/// The settings that the flags of `compare` ask for. @throws std::invalid_argument for wrong usage.
CompareSettings parse_settings(const CompareFlags& flags);

}  // namespace gmdiff::cli
