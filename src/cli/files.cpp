#include "cli/files.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "io/output_file.hpp"
#include "model/check.hpp"

namespace gmdiff::cli {
namespace fs = std::filesystem;
namespace {

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// Error of making a file beside `file` under a longer name, as writing it will; 0 when that works. Asked by making one: permissions
/// do not tell of read-only file systems.
int creation_error(const fs::path& file) {
  std::string name = file.string() + ".probe-XXXXXX";
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return errno;
  close(descriptor);
  unlink(name.c_str());
  return 0;
}

}  // namespace

fs::path with_suffix(const fs::path& file, const std::string& suffix) {
  fs::path named = file;
  named += suffix;
  return named;
}

void check_output(const fs::path& file, bool force) {
  const std::string name = file.string();
  require(!name.empty(), "--out: the file name is empty");
  require(name != "-", "--out: results go to a file, not to standard output; give a file name");
  std::error_code ignored;
  const fs::path folder = folder_of(file);
  require(fs::exists(folder, ignored), "cannot write ", name, ": the folder ", folder.string(), " does not exist");
  require(fs::is_directory(folder, ignored), "cannot write ", name, ": ", folder.string(), " is not a folder");
  require(!fs::is_directory(file, ignored), "cannot write ", name, ": it is a folder");
  const bool exists = fs::exists(fs::symlink_status(file, ignored));
  require(!exists || fs::is_regular_file(file, ignored), "cannot write ", name, ": it is not a regular file");
  require(!exists || force, name, " exists; --force overwrites it");
  const int error = creation_error(file);
  require(error == 0, "cannot write ", name, ": no file can be made there (", std::generic_category().message(error), ")");
}

void check_free_space(const fs::path& file, std::uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder_of(file), error);
  if (error || space.available >= bytes) return;
  throw std::runtime_error(
      concat(file.string(), " would have ", bytes, " bytes, but its file system has ", space.available, " bytes free; nothing was run"));
}

void write_text(const fs::path& file, const std::string& text) {
  io::OutputFile output(file, /*overwrite=*/true);
  errno = 0;
  std::ofstream out(output.temporary(), std::ios::binary);
  out << text;
  out.close();
  if (!out) throw std::runtime_error(concat("writing ", file.string(), " failed (", std::generic_category().message(errno), ")"));
  output.publish();
}

}  // namespace gmdiff::cli
