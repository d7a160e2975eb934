#include "io/output_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/check.hpp"
#include "io/file_lock.hpp"
#include "io/sidecar.hpp"

namespace gmdiff::io {

namespace fs = std::filesystem;

namespace {

/// Checks that a file may be written: it is absent, or it is regular and may be replaced. A device such as
/// /dev/null must not be replaced.
void check_target(const fs::path& file, bool overwrite) {
  std::error_code none;
  const fs::file_status status = fs::status(file, none);
  if (!fs::exists(status)) return;
  require(fs::is_regular_file(status), file.string(), ": is not a regular file and cannot be replaced");
  require(overwrite, file.string(), ": exists already");
}

/// Identity of a file, independent of its names.
struct FileIdentity {
  dev_t device = 0;
  ino_t number = 0;

  bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Common beginning of the names of a file's temporary files.
std::string temporary_stem(const fs::path& file) { return file.filename().string() + ".tmp-"; }

void check_no_other_writer(const fs::path& file) {
  const std::string stem = temporary_stem(file);
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(file), none)) {
    const std::string name = entry.path().filename().string();
    require(!name.starts_with(stem) || !is_locked(entry.path()), file.string(),
            ": another run is writing it, into ", name);
  }
}

/// `<file>.tmp-<pid>`, followed by a number if that name is taken by this process or left over from an old
/// run.
std::pair<fs::path, Descriptor> create_temporary(const fs::path& file) {
  const std::string base = (file.parent_path() / temporary_stem(file)).string() + std::to_string(::getpid());
  fs::path candidate = base;
  for (int i = 2;; ++i) {
    Descriptor lock = create_locked(candidate);
    if (lock.is_open()) return {candidate, std::move(lock)};
    if (errno != EEXIST) {
      throw std::runtime_error(
          concat(file.string(), ": writing failed (", std::generic_category().message(errno), ")"));
    }
    candidate = base + "-" + std::to_string(i);
  }
}

/// Renames without replacing; false if `to` exists.
bool rename_to_new(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  if (errno == EEXIST) return false;
  // The file system has no hard links.
  std::error_code none;
  if (fs::exists(fs::symlink_status(to, none))) return false;
  fs::rename(from, to);
  return true;
}

}  // namespace

fs::path behind_links(const fs::path& file) {
  std::error_code none;
  if (!fs::is_symlink(fs::symlink_status(file, none))) return file;
  std::error_code error;
  fs::path target = fs::canonical(file, error);
  require(!error, file.string(), ": is a link to ", fs::read_symlink(file, none).string(),
          ", which cannot be followed (", error.message(), ")");
  return target;
}

OutputFile::OutputFile(fs::path file, bool overwrite)
    : name_(std::move(file)), file_(behind_links(name_)), overwrite_(overwrite) {
  require(file_.has_filename(), "output file: the name is missing in \"", file_.string(), "\"");
  check_target(file_, overwrite_);
  std::error_code none;
  const fs::path folder = folder_of(file_);
  require(fs::is_directory(folder, none), file_.string(), ": the folder ", folder.string(),
          " does not exist");
  std::optional<FolderLock> one_at_a_time;
  if (!overwrite_) {
    one_at_a_time.emplace(folder);
    check_no_other_writer(file_);
  }
  std::tie(temporary_, lock_) = create_temporary(file_);
  access_ = access_of(file_).value_or(access_of(temporary_).value_or(FileAccess{}));
  unfinished_.emplace(temporary_);
  ::chmod(temporary_.c_str(), S_IRUSR | S_IWUSR);
}

OutputFile::~OutputFile() {
  std::error_code none;
  if (!published_) fs::remove(temporary_, none);
}

void OutputFile::write(const std::string& text) {
  errno = 0;
  std::ofstream out(temporary_, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    throw std::runtime_error(
        concat(file_.string(), ": writing failed (", std::generic_category().message(errno), ")"));
}

void OutputFile::publish(const std::string& sidecar) { publish_to(file_, overwrite_, sidecar); }

void OutputFile::publish_as(const fs::path& other, const std::string& sidecar) {
  publish_to(behind_links(other), true, sidecar);
}

void OutputFile::publish_to(const fs::path& target, bool overwrite, const std::string& sidecar) {
  try {
    publish_pair(target, overwrite, sidecar);
  } catch (const std::invalid_argument& taken) {
    keep(taken.what(), sidecar);
  }
}

// A reader may see one file replaced and the other not; the checksums in the sidecar tell whether they belong
// together.
void OutputFile::publish_pair(const fs::path& target, bool overwrite, const std::string& sidecar) {
  check_target(target, overwrite);
  const FileAccess access = limited(access_of(file_).value_or(access_), access_of(target));
  const fs::path sidecar_file = sidecar_path(target);
  std::optional<OutputFile> beside;
  if (!sidecar.empty()) {
    beside.emplace(sidecar_file, /*overwrite=*/true);
    beside->write(sidecar);
  }
  const FolderLock lock(folder_of(target));
  if (beside) check_target(beside->file_, overwrite);
  const FileIdentity data = identity_of(temporary_);
  move_to(target, overwrite, access);
  if (overwrite) remove_former_sidecars(target, beside.has_value());
  // A run that did not wait for the lock may have replaced the data; then its sidecar is the right one.
  if (beside && identity_of(target) == data)
    beside->move_to(beside->file_, true, limited(access, access_of(beside->file_)));
}

void OutputFile::remove_former_sidecars(const fs::path& target, bool replaced) {
  const fs::path behind = sidecar_path(target);
  if (!replaced && is_sidecar(behind)) fs::remove(behind);
  const fs::path of_link = sidecar_path(name_);
  std::error_code none;
  if (target == file_ && name_ != file_ && is_sidecar(of_link) && !fs::equivalent(of_link, behind, none))
    fs::remove(of_link);
}

void OutputFile::move_to(const fs::path& target, bool overwrite, FileAccess access) {
  set_access(temporary_, access);
  try {
    if (overwrite) {
      fs::rename(temporary_, target);
    } else {
      require(rename_to_new(temporary_, target), target.string(), ": exists already");
    }
  } catch (const fs::filesystem_error& failed) {
    throw std::runtime_error(
        concat(target.string(), ": cannot rename ", temporary_.string(), " (", failed.code().message(), ")"));
  }
  published_ = true;
  unfinished_.reset();
}

void OutputFile::keep(const std::string& reason, const std::string& sidecar) {
  published_ = true;  // it stays under its temporary name
  unfinished_.reset();
  set_access(temporary_, access_);
  lock_ = Descriptor();
  if (!sidecar.empty()) {
    OutputFile beside(sidecar_path(temporary_), /*overwrite=*/true);
    beside.write(sidecar);
    beside.publish();
  }
  fail(reason, "; what was written is kept as ", temporary_.string());
}

}  // namespace gmdiff::io
