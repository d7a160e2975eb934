#include "cli/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include "base/check.hpp"

namespace gmdiff::cli {
namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace

void occupy_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // `open` returns the lowest free number. O_PATH gives a descriptor that can be neither read nor written.
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF && open("/", O_PATH) != descriptor) {
      throw std::runtime_error(
          concat("standard descriptor ", descriptor, " is closed and cannot be occupied"));
    }
  }
}

StandardInput::int_type StandardInput::underflow() {
  ssize_t bytes = 0;
  do {
    bytes = read(STDIN_FILENO, buffer_.data(), buffer_.size());
  } while (bytes < 0 && errno == EINTR);
  require(bytes >= 0, "standard input: cannot be read (", error_text(errno), ")");
  setg(buffer_.data(), buffer_.data(), buffer_.data() + bytes);
  return bytes == 0 ? traits_type::eof() : traits_type::to_int_type(buffer_.front());
}

void print(const std::string& text) {
  errno = 0;
  std::cout << text << std::flush;
  if (!std::cout)
    throw std::runtime_error(concat("writing to standard output failed (", error_text(errno), ")"));
}

}  // namespace gmdiff::cli
