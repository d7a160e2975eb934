#include "io/output_file.hpp"

#include <unistd.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/check.hpp"

namespace gmdiff::io {

namespace fs = std::filesystem;

namespace {

/// A file that may be written: absent, or regular and allowed to go. A device such as /dev/null must not be renamed over.
void check_target(const fs::path& file, bool overwrite) {
  std::error_code none;
  const fs::file_status status = fs::status(file, none);
  if (!fs::exists(status)) return;
  require(fs::is_regular_file(status), file.string(), ": is not a regular file and cannot be replaced");
  require(overwrite, file.string(), ": exists already");
}

/// `<file>.tmp-<pid>`, with a number behind it when several writers of one process meet or an old run left its own.
fs::path free_temporary(const fs::path& file) {
  const std::string base = file.string() + ".tmp-" + std::to_string(::getpid());
  fs::path candidate = base;
  std::error_code none;
  for (int i = 2; fs::exists(fs::symlink_status(candidate, none)); ++i) candidate = base + "-" + std::to_string(i);
  return candidate;
}

}  // namespace

OutputFile::OutputFile(fs::path file, bool overwrite) : file_(std::move(file)), overwrite_(overwrite) {
  require(file_.has_filename(), "output file: the name is missing in \"", file_.string(), "\"");
  check_target(file_, overwrite_);
  std::error_code none;
  // A link is followed, so that the file it points to is replaced and not the link.
  if (fs::is_symlink(fs::symlink_status(file_, none)) && fs::exists(file_, none)) file_ = fs::canonical(file_);
  const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
  require(fs::is_directory(folder, none), file_.string(), ": the folder ", folder.string(), " does not exist");
  temporary_ = free_temporary(file_);
  unfinished_.emplace(temporary_);
}

OutputFile::~OutputFile() {
  std::error_code none;
  if (!published_) fs::remove(temporary_, none);
}

void OutputFile::publish() {
  check_target(file_, overwrite_);
  publish_as(file_);
}

void OutputFile::publish_as(const fs::path& other) {
  check_target(other, true);
  std::error_code error;
  fs::rename(temporary_, other, error);
  if (error) throw std::runtime_error(concat(other.string(), ": cannot rename ", temporary_.string(), " (", error.message(), ")"));
  published_ = true;
}

}  // namespace gmdiff::io
