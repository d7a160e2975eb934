#include "cli/files.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "base/check.hpp"
#include "io/output_file.hpp"
#include "io/sidecar.hpp"

namespace gmdiff::cli {
namespace fs = std::filesystem;
namespace {

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Error of creating a file beside `file` under a longer name, as writing will do; 0 when that works. The
/// function creates such a file, because permissions do not reveal a read-only file system.
int creation_error(const fs::path& file) {
  std::string name = file.string() + ".probe-XXXXXX";
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return errno;
  close(descriptor);
  unlink(name.c_str());
  return 0;
}

/// Throws when `output` is one of the inputs. Files are compared, not names, because links may give one file
/// several names.
void check_one_not_input(const fs::path& output, const InputFiles& inputs) {
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (!fs::equivalent(output, input, ignored)) continue;
    const std::string name = input == standard_input ? "standard input" : input.string();
    fail("cannot write ", output.string(), ": ", name == output.string() ? "it" : "it is " + name + ", which",
         " is read here, and no --force", " overwrites an input");
  }
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
  require(fs::exists(folder, ignored), "cannot write ", name, ": the folder ", folder.string(),
          " does not exist");
  require(fs::is_directory(folder, ignored), "cannot write ", name, ": ", folder.string(),
          " is not a folder");
  require(!fs::is_directory(file, ignored), "cannot write ", name, ": it is a folder");
  io::behind_links(file);
  const bool exists = fs::exists(fs::symlink_status(file, ignored));
  require(!exists || fs::is_regular_file(file, ignored), "cannot write ", name, ": it is not a regular file");
  require(!exists || force, name, " exists; --force overwrites it");
  const int error = creation_error(file);
  require(error == 0, "cannot write ", name, ": no file can be made there (",
          std::generic_category().message(error), ")");
}

void check_output_with_sidecar(const fs::path& file, bool force) {
  const fs::path sidecar = io::sidecar_path(io::behind_links(file));
  check_output(file, force);
  check_output(sidecar, force);
  std::error_code ignored;
  require(!fs::equivalent(file, sidecar, ignored), "cannot write ", file.string(), ": ", sidecar.string(),
          " is the same file");
}

void check_output_without_sidecar(const fs::path& file, bool force) {
  check_output(file, force);
  const fs::path sidecar = io::sidecar_path(io::behind_links(file));
  require(force || !io::is_sidecar(sidecar), sidecar.string(),
          " exists, the provenance of other data; --force removes it");
}

namespace {

/// The path without links and dots; parts of it need not exist.
fs::path place_of(const std::string& file) { return fs::weakly_canonical(fs::absolute(file)); }

}  // namespace

void check_distinct(const std::vector<OutputFlag>& outputs) {
  for (auto a = outputs.begin(); a != outputs.end(); ++a) {
    for (auto b = outputs.begin(); b != a; ++b) {
      if (!a->file || !b->file) continue;
      require(place_of(*a->file) != place_of(*b->file), a->flag, " and ", b->flag, " have the same file ",
              *b->file);
    }
  }
}

void add_data(InputFiles& inputs, const fs::path& file) {
  inputs.push_back(file);
  inputs.push_back(io::find_sidecar(file));
}

void check_not_input(const fs::path& file, const InputFiles& inputs) {
  const fs::path target = io::behind_links(file);
  for (const fs::path& output : {file, target, partial_name(file)}) {
    check_one_not_input(output, inputs);
    check_one_not_input(io::sidecar_path(output), inputs);
  }
}

void check_free_space(const fs::path& file, std::uint64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder_of(file), error);
  if (error || space.available >= bytes) return;
  throw std::runtime_error(concat(file.string(), " would have ", bytes, " bytes, but its file system has ",
                                  space.available, " bytes free; nothing was run"));
}

void write_text(const fs::path& file, const std::string& text, bool force) {
  io::OutputFile output(file, force);
  output.write(text);
  output.publish();
}

fs::path partial_name(const fs::path& file) { return with_suffix(io::behind_links(file), ".partial"); }

}  // namespace gmdiff::cli
