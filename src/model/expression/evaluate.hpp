#pragma once

#include <cstddef>
#include <vector>

#include <gmdiff/base/points.hpp>

#include "model/expression/tape.hpp"

namespace gmdiff::expressions {

/// The numbers that loads read: x and, in products with the Hessian, v are arrays of d numbers.
struct Inputs {
  const double* x = nullptr;
  const double* v = nullptr;
  double t = 0.0;
};

/// Evaluates a tape in double with the functions of the C library. Keeps its slots, so that many points need
/// one allocation.
class Evaluator {
 public:
  explicit Evaluator(const Tape& tape);

  /// Runs all operations.
  void run(const Inputs& inputs);
  double output(std::size_t i) const;

 private:
  const Tape& tape_;
  std::vector<double> slots_;
};

/// Outputs `first`, `first` + 1, ... of a tape at every point, shape (n, count). @param v directions, or null
Points outputs_at(const Tape& tape, const Points& x, const Points* v, std::size_t first, Eigen::Index count);

}  // namespace gmdiff::expressions
