#pragma once

#include <string>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/problem_source.hpp"
#include "report/figure.hpp"

// The kinds of pictures that the verb plot draws.

namespace gmdiff::cli {

struct PlotFlags {
  std::string kind;
  std::vector<std::string> files;
  CommonFlags common;
  std::string out;
  bool force = false;
  bool prior = false;
  FlagText coordinates, projection, seed, time, times, levels, paths, bound, quantity, cost, width;
};

/// Files that a picture is made from, and the remarks on them.
struct PlotInputs {
  InputFiles files;
  std::vector<std::string> warnings;
};

struct PlotKind {
  const char* name;
  const char* files;               ///< as the help names them
  const char* meaning;             ///< for the help
  std::vector<std::string> flags;  ///< that only some kinds take
  report::Picture (*draw)(const PlotFlags&, PlotInputs&);
};

const std::vector<PlotKind>& plot_kinds();

}  // namespace gmdiff::cli
