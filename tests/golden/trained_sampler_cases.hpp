#pragma once

#include <string>

#include <gtest/gtest.h>

#include "network_support.hpp"

// The cases of golden/trained_samplers.json: 1e-10 of the largest entry of each array.

namespace gmdiff::test {

constexpr double path_tolerance = 1e-10;

template <class Body>
void each_sampler_case(const std::string& name, Body body) {
  int count = 0;
  for (const json& golden_case : load_golden("trained_samplers")["cases"]) {
    if (golden_case["name"] != name) continue;
    SCOPED_TRACE(name + " " + std::to_string(count) + " " + golden_case.value("method", ""));
    body(golden_case);
    ++count;
  }
  EXPECT_GT(count, 0) << name;
}

}  // namespace gmdiff::test
