#include "cli/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <system_error>

#include "model/check.hpp"

namespace gmdiff::cli {
namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace

void occupy_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // The lowest free number is the one that `open` gives. O_PATH: a place that can be neither read nor written.
    if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF && open("/", O_PATH) != descriptor) {
      throw std::runtime_error(concat("standard descriptor ", descriptor, " is closed and cannot be occupied"));
    }
  }
}

std::string read_standard_input() {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t bytes = read(STDIN_FILENO, buffer, sizeof buffer);
    if (bytes == 0) return text;
    if (bytes > 0) {
      text.append(buffer, static_cast<std::size_t>(bytes));
    } else if (errno != EINTR) {
      fail("standard input: cannot be read (", error_text(errno), ")");
    }
  }
}

void print(const std::string& text) {
  errno = 0;
  std::cout << text << std::flush;
  if (!std::cout) throw std::runtime_error(concat("writing to standard output failed (", error_text(errno), ")"));
}

}  // namespace gmdiff::cli
