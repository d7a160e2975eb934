#pragma once

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace gmdiff::test {

/// Expects std::invalid_argument from `action` with `text` somewhere in its message.
template <class Action>
void expect_invalid(Action action, const std::string& text) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown, expected: " << text;
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos)
        << "message: " << error.what() << "\nexpected: " << text;
  }
}

}  // namespace gmdiff::test
