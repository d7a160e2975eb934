#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gmdiff/network/network.hpp>

#include "device/cpu/dispatch.hpp"
#include "support/golden.hpp"

// Arrays and networks of golden files.

namespace gmdiff::test {

/// A vector, or a matrix as an array with rows.
inline Points rows_of(const json& array) {
  return array[0].is_array() ? matrix(array) : Points(vector(array).transpose());
}

inline void expect_near_array(const Points& actual, const Points& expected, double tolerance,
                              const std::string& what) {
  ASSERT_EQ(actual.rows(), expected.rows()) << what;
  ASSERT_EQ(actual.cols(), expected.cols()) << what;
  const double scale = expected.cwiseAbs().maxCoeff();
  EXPECT_LE((actual - expected).cwiseAbs().maxCoeff(), tolerance * scale) << what;
}

inline Eigen::VectorXd flat_parameters(const NetworkShape& shape, const json& arrays) {
  Eigen::VectorXd parameters(network_size(shape));
  for (const NetworkTensor& tensor : network_tensors(shape)) {
    const Points array = rows_of(arrays[tensor.name]);
    EXPECT_EQ(array.rows(), tensor.rows) << tensor.name;
    EXPECT_EQ(array.cols(), tensor.cols) << tensor.name;
    parameters.segment(tensor.offset, tensor.size()) = array.reshaped<Eigen::RowMajor>();
  }
  return parameters;
}

inline void expect_near_parameters(const NetworkShape& shape, const Eigen::VectorXd& actual,
                                   const json& expected, double tolerance) {
  for (const NetworkTensor& tensor : network_tensors(shape)) {
    const Points array =
        actual.segment(tensor.offset, tensor.size()).reshaped<Eigen::RowMajor>(tensor.rows, tensor.cols);
    expect_near_array(array, rows_of(expected[tensor.name]), tolerance, "gradient of " + tensor.name);
  }
}

inline std::vector<cpu::InstructionSet> instruction_sets_here() {
  std::vector<cpu::InstructionSet> sets;
  for (const cpu::InstructionSet set : {cpu::InstructionSet::scalar, cpu::InstructionSet::fma128,
                                        cpu::InstructionSet::avx2, cpu::InstructionSet::avx512})
    if (cpu::is_available(set)) sets.push_back(set);
  return sets;
}

}  // namespace gmdiff::test
