#pragma once

namespace gmdiff {

/// The smallest effective sample size of a chain so far, and the step before whose move it was seen first.
struct SmallestEss {
  double ess;  ///< at first the number of particles
  int step = 0;

  void add(double of_step, int number) {
    if (of_step < ess) *this = {of_step, number};
  }
};

}  // namespace gmdiff
