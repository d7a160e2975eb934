#pragma once

#include <array>
#include <streambuf>
#include <string>

// The three standard streams of the command.

namespace gmdiff::cli {

/// Occupies the closed ones of the descriptors 0, 1 and 2, so that no file opened later gets their number and
/// the text written to them. Reading and writing them stays an error, as with a closed descriptor. Call it
/// before any file is opened.
void occupy_standard_streams();

/// Standard input. If it cannot be read, reading throws std::invalid_argument with the reason, so that an
/// error does not look like the end of the input.
class StandardInput : public std::streambuf {
 protected:
  int_type underflow() override;

 private:
  std::array<char, 1 << 16> buffer_;
};

/// Writes to standard output and flushes. @throws std::runtime_error when that fails, with the reason.
void print(const std::string& text);

}  // namespace gmdiff::cli
