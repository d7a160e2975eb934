#pragma once

#include <array>
#include <streambuf>
#include <string>

// The three standard streams of the command.

namespace gmdiff::cli {

/// Occupies those of the descriptors 0, 1 and 2 that are closed, so that no file opened later takes their place and is written into.
/// Reading and writing them stays the error that it is with a closed descriptor. To be called before anything is opened.
void occupy_standard_streams();

/// Standard input, told from its end when it cannot be read: reading then throws std::invalid_argument with the reason.
class StandardInput : public std::streambuf {
 protected:
  int_type underflow() override;

 private:
  std::array<char, 1 << 16> buffer_;
};

/// Writes to standard output and flushes. @throws std::runtime_error when that fails, with the reason.
void print(const std::string& text);

}  // namespace gmdiff::cli
