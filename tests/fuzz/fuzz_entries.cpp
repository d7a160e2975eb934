#include "fuzz/fuzz_entries.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <gmdiff/io/npy.hpp>
#include <gmdiff/io/problem_file.hpp>

#include "io/npy_header.hpp"
#include "io/npz.hpp"

namespace gmdiff::fuzz {

namespace {

void check(bool condition, const char* what) {
  if (!condition) throw std::logic_error(what);
}

/// Returns true when f succeeds, false when it refuses its input.
template <class F>
bool accepts(F f) {
  try {
    f();
    return true;
  } catch (const std::invalid_argument& error) {
    check(*error.what() != '\0', "an empty message");
    return false;
  }
}

/// A problem of any kind that is read and written.
std::string rewritten(const std::string& text, const std::string& name) {
  std::istringstream in(text);
  const AnyProblem problem = read_any_problem(in, name, "no-folder");
  return std::visit([](const auto& alternative) { return to_json(alternative); }, problem);
}

/// A temporary file whose name contains the process id.
class ScratchFile {
 public:
  ScratchFile(std::string_view bytes, const char* extension)
      : file_(std::filesystem::temp_directory_path() /
              ("gmdiff-fuzz-" + std::to_string(::getpid()) + extension)) {
    std::ofstream(file_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { std::filesystem::remove(file_); }
  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
};

}  // namespace

void run_problem(std::string_view bytes) {
  const std::string text(bytes);
  std::string written;
  if (accepts([&] { written = rewritten(text, "fuzz"); })) {
    check(accepts([&] { rewritten(written, "written"); }),
          "a problem that was read cannot be written and read back");
  }
  std::string sampler;
  if (accepts([&] { sampler = to_string(parse_sampler(text)); })) {
    check(to_string(parse_sampler(sampler)) == sampler,
          "a sampler that was read cannot be written and read back");
  }
}

void run_npy(std::string_view bytes) {
  io::NpyHeader header;
  std::istringstream in{std::string(bytes)};
  const bool good =
      accepts([&] { header = io::read_npy_header(in, static_cast<std::int64_t>(bytes.size()), "fuzz"); });
  if (!good) return;
  check(header.data_offset + header.size * header.value_bytes() == static_cast<std::int64_t>(bytes.size()),
        "a size that does not fit");
  const ScratchFile scratch(bytes, ".npy");
  if (header.shape.empty()) {
    check(!accepts([&] { read_points(scratch.file()); }), "points without dimensions");
  } else {
    check(read_points(scratch.file()).size() == header.size, "another number of points");
  }
  std::istringstream again(io::npy_header(header.shape, header.precision) +
                           std::string(bytes.substr(static_cast<std::size_t>(header.data_offset))));
  check(io::read_npy_header(again, static_cast<std::int64_t>(again.str().size()), "again").shape ==
            header.shape,
        "another shape");
}

void run_npz(std::string_view bytes) {
  const ScratchFile scratch(bytes, ".npz");
  accepts([&] {
    io::NpzReader archive(scratch.file());
    for (std::size_t array = 0; array < archive.arrays().size(); ++array) {
      archive.open(array);
      std::vector<char> room(std::size_t{1} << 12);
      for (std::int64_t left = archive.arrays()[array].bytes(); left > 0;) {
        const auto count = static_cast<std::size_t>(std::min(left, std::ssize(room)));
        archive.read_bytes(std::span(room).first(count));
        left -= static_cast<std::int64_t>(count);
      }
    }
  });
}

}  // namespace gmdiff::fuzz
