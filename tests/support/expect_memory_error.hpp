#pragma once

#include <string>

#include <gtest/gtest.h>
#include <gmdiff/base/error.hpp>

namespace gmdiff::test {

/// Expects a MemoryError whose message contains `text`.
template <class Action>
void expect_memory_error(Action action, const std::string& text) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown, expected: " << text;
  } catch (const MemoryError& error) {
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
        << "message: " << error.what() << "\nexpected: " << text;
  }
}

}  // namespace gmdiff::test
