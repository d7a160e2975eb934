#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/base/points.hpp>

// Small sets of points, and the check of an error message, for the tests of distances.

namespace gmdiff::test {

/// One-dimensional points, one per row.
inline Points column(std::initializer_list<double> values) {
  Points x(static_cast<Eigen::Index>(values.size()), 1);
  Eigen::Index i = 0;
  for (const double value : values) x(i++, 0) = value;
  return x;
}

/// Standard normal points of a fixed seed, shape (n, d).
inline Points normal_points(Eigen::Index n, Eigen::Index d, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  Points x(n, d);
  for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = normal(engine);
  return x;
}

/// The rows in another order.
inline Points shuffled(const Points& x, unsigned seed) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(x.rows()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Eigen::Index>(i);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  Points result(x.rows(), x.cols());
  for (Eigen::Index i = 0; i < x.rows(); ++i) result.row(i) = x.row(order[static_cast<std::size_t>(i)]);
  return result;
}

/// Expects std::invalid_argument with exactly this message from the call.
inline void expect_invalid(const std::function<void()>& call, const std::string& message) {
  try {
    call();
    ADD_FAILURE() << "nothing thrown; expected: " << message;
  } catch (const std::invalid_argument& error) {
    EXPECT_EQ(error.what(), message);
  }
}

}  // namespace gmdiff::test
