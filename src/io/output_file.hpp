#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "io/descriptor.hpp"
#include "io/file_access.hpp"
#include "io/unfinished_files.hpp"

// Output files appear under their name only when they are complete: they are written under a temporary name
// and then renamed.

namespace gmdiff::io {

/// The file behind a name: the target of a symbolic link, or the name itself, which need not exist.
/// @throws std::invalid_argument for a dangling link.
std::filesystem::path behind_links(const std::filesystem::path& file);

/// The temporary file of an output file; the destructor removes it unless it was published.
class OutputFile {
 public:
  /// Checks the target and creates an empty private temporary file in its folder. Links are followed. While
  /// the object exists, constructing another one of this name without `overwrite` fails in any process.
  /// @throws std::invalid_argument when the folder does not exist, the target is not a regular file (a
  ///   folder, a device, a dangling link), or it exists or is being written by another run and `overwrite` is
  ///   false; std::runtime_error when the temporary file cannot be created.
  OutputFile(std::filesystem::path file, bool overwrite);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  const std::filesystem::path& file() const { return file_; }
  /// The temporary file, which the caller writes before `publish`.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// Replaces the content of the temporary file. @throws std::runtime_error when that fails.
  void write(const std::string& text);
  /// Renames the temporary file to the target. A replaced target passes on its owner and permissions.
  /// @param sidecar text of the provenance file, which is published with the data: if two processes write
  ///   one name, both files come from the same process. Without a text the provenance of replaced data is
  ///   removed.
  /// @throws std::invalid_argument when the target must not be overwritten but has appeared in the
  ///   meantime; the temporary files are kept and the message names them. std::runtime_error when renaming
  ///   fails.
  void publish(const std::string& sidecar = {});
  /// Renames the temporary file to `other`, which is replaced and gets the permissions of `file()` at most.
  /// @throws as `publish`.
  void publish_as(const std::filesystem::path& other, const std::string& sidecar = {});

 private:
  void publish_to(const std::filesystem::path& target, bool overwrite, const std::string& sidecar);
  void publish_pair(const std::filesystem::path& target, bool overwrite, const std::string& sidecar);
  void remove_former_sidecars(const std::filesystem::path& target, bool replaced);
  void move_to(const std::filesystem::path& target, bool overwrite, FileAccess access);
  [[noreturn]] void keep(const std::string& reason, const std::string& sidecar);

  std::filesystem::path name_;  // the given name
  std::filesystem::path file_;  // behind links
  std::filesystem::path temporary_;
  std::optional<UnfinishedFile> unfinished_;
  bool overwrite_;
  bool published_ = false;
  FileAccess access_{};  // for the published file
  Descriptor lock_;
};

}  // namespace gmdiff::io
