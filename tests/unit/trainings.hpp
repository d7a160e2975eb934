#pragma once

#include <cmath>

#include <gtest/gtest.h>

#include <gmdiff/network/training.hpp>
#include <gmdiff/sampler/problem.hpp>

// Small trainings of learned denoisers.

namespace gmdiff::test {

inline DenoiserSettings small_settings() {
  DenoiserSettings settings;
  settings.hidden = 20;
  settings.batch = 200;  // four blocks of rows, the last not full
  settings.iterations = 50;
  settings.seed = 11;
  return settings;
}

/// Without training, and with parameters that are not 0 anywhere.
inline DenoiserTraining random_training(Parametrisation parametrisation) {
  DenoiserSettings settings = small_settings();
  settings.parametrisation = parametrisation;
  settings.precision = Precision::f64;
  DenoiserTraining training = start_training(bench_2d().prior, settings);
  for (Eigen::Index i = 0; i < training.averaged.size(); ++i)
    training.averaged(i) += 0.1 * std::sin(static_cast<double>(i));
  return training;
}

inline void expect_same_bits(const DenoiserTraining& a, const DenoiserTraining& b) {
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.averaged, b.averaged);
  EXPECT_EQ(a.adam.m, b.adam.m);
  EXPECT_EQ(a.adam.v, b.adam.v);
  EXPECT_EQ(a.adam.updates, b.adam.updates);
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.scale, b.scale);
}

}  // namespace gmdiff::test
