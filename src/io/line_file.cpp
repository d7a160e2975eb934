#include "io/line_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "io/file_lock.hpp"

namespace gmdiff::io {
namespace {

std::string reason() { return std::generic_category().message(errno); }

bool is_regular(const Descriptor& descriptor) {
  struct stat status {};
  return ::fstat(descriptor.number(), &status) == 0 && S_ISREG(status.st_mode);
}

off_t size_of(const Descriptor& descriptor) { return ::lseek(descriptor.number(), 0, SEEK_END); }

/// Whether a line, or the first bytes of one, begins as all lines do.
bool begins_as(std::string_view line, std::string_view line_start) {
  return line.size() < line_start.size() ? line_start.starts_with(line) : line.starts_with(line_start);
}

[[noreturn]] void fail_foreign(const std::filesystem::path& file, const std::string& line,
                               const std::string& line_start) {
  fail(file.string(), ": ", line, " does not begin with ", line_start,
       ", so the file is of another kind; it is left as it is");
}

/// The bytes from `begin` on, or as many as there are.
std::string read_at(const Descriptor& descriptor, off_t begin, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(descriptor.number(), bytes.data(), size, begin);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return bytes;
}

/// Offset behind the last newline, or 0.
off_t end_of_last_line(const Descriptor& descriptor, off_t size) {
  constexpr off_t piece = 1 << 16;
  for (off_t end = size; end > 0;) {
    const off_t begin = end > piece ? end - piece : 0;
    const std::string bytes = read_at(descriptor, begin, static_cast<std::size_t>(end - begin));
    const std::size_t newline = bytes.rfind('\n');
    if (newline != std::string::npos) return begin + static_cast<off_t>(newline) + 1;
    end = begin;
  }
  return 0;
}

}  // namespace

std::vector<std::string> read_lines(const std::filesystem::path& file, const std::string& line_start) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  require(descriptor.is_open(), file.string(), ": cannot be read (", reason(), ")");
  require(is_regular(descriptor), file.string(), ": is not a regular file");
  // A large file of another kind may be one long line, so look at its beginning first.
  if (!begins_as(read_at(descriptor, 0, line_start.size()), line_start))
    fail_foreign(file, "line 1", line_start);
  std::ifstream in(file, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    if (!line.starts_with(line_start)) fail_foreign(file, concat("line ", lines.size() + 1), line_start);
    lines.push_back(std::move(line));
  }
  return lines;
}

LineFile::LineFile(std::filesystem::path file, std::string line_start)
    : file_(std::move(file)),
      line_start_(std::move(line_start)),
      descriptor_(::open(file_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666)) {
  require(descriptor_.is_open(), file_.string(), ": cannot be written (", reason(), ")");
  require(is_regular(descriptor_), file_.string(), ": is not a regular file");
}

void LineFile::append(const std::string& line) const {
  const FileLock lock(descriptor_);
  if (lock.is_elsewhere())
    throw std::runtime_error(concat(file_.string(), ": another process keeps it locked"));
  remove_torn_line();
  const off_t before = size_of(descriptor_);
  const std::string bytes = line + "\n";
  ssize_t written = 0;
  do {
    errno = 0;
    written = ::write(descriptor_.number(), bytes.data(), bytes.size());
  } while (written < 0 && errno == EINTR);
  if (written == std::ssize(bytes)) return;
  const std::string why = written < 0 ? reason() : "the disk is full";
  const bool removed = written <= 0 || ::ftruncate(descriptor_.number(), before) == 0;
  throw std::runtime_error(
      concat(file_.string(), ": writing failed (", why, removed ? ")" : "); its last line is torn"));
}

void LineFile::remove_torn_line() const {
  const off_t size = size_of(descriptor_);
  const off_t end = end_of_last_line(descriptor_, size);
  if (end == size) return;
  if (!begins_as(read_at(descriptor_, end, line_start_.size()), line_start_))
    fail_foreign(file_, "the last line", line_start_);
  if (::ftruncate(descriptor_.number(), end) != 0) {
    throw std::runtime_error(
        concat(file_.string(), ": its torn last line cannot be removed (", reason(), ")"));
  }
}

}  // namespace gmdiff::io
