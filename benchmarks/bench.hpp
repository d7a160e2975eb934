#pragma once

#include <benchmark/benchmark.h>

#include <gmdiff/gmdiff.hpp>

#include "commit.hpp"

namespace gmdiff::bench {

/// Standard normals of shape (rows, columns), the same on every machine.
inline Points normals(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed = 1) {
  const Mixture unit({1.0}, Points::Zero(1, columns), Covariance::spherical({1.0}));
  return draw(unit, {.count = rows, .seed = seed, .precision = Precision::f64}).to_double();
}

/// The main function of a benchmark: `add()` registers the measurements. The record contains the version of
/// the source and the compiler's settings.
template <class Add>
int run(int argc, char** argv, Add add) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("gmdiff_version", version());
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("commit", GMDIFF_COMMIT);
  add();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace gmdiff::bench
