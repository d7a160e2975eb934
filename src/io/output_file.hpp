#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "io/descriptor.hpp"
#include "io/file_access.hpp"
#include "io/unfinished_files.hpp"

// Output files appear under their name only when complete: they are written beside it, then renamed.

namespace gmdiff::io {

/// The file that a name stands for: the target of a symbolic link, else the name itself, which need not exist.
/// @throws std::invalid_argument for a link to nothing.
std::filesystem::path behind_links(const std::filesystem::path& file);

/// The temporary file beside an output file; removed again unless published.
class OutputFile {
 public:
  /// Checks the target and creates an empty temporary file in its folder, which is private until it is published. Links are followed.
  /// While it exists no other `OutputFile` of this name without `overwrite` can be made, in any process.
  /// @throws std::invalid_argument when the folder does not exist, the target is something else than a regular file (a folder, a
  ///   device, a link to nothing), or it exists or is being written by another and `overwrite` is false; std::runtime_error when the
  ///   temporary file cannot be created.
  OutputFile(std::filesystem::path file, bool overwrite);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  const std::filesystem::path& file() const { return file_; }
  /// Where to write until `publish`.
  const std::filesystem::path& temporary() const { return temporary_; }
  /// Replaces what is in the temporary file. @throws std::runtime_error when that fails.
  void write(const std::string& text);
  /// Renames the temporary file to the target. A target that is replaced hands on its owner and permissions.
  /// @param sidecar text of the provenance file, published with the data: of two writers of one name one has both files in the end. Without
  ///   a text the provenance of replaced data is removed.
  /// @throws std::invalid_argument when the target has appeared meanwhile and must not be overwritten; the message says where the temporary
  ///   files are, which are kept. std::runtime_error when renaming fails.
  void publish(const std::string& sidecar = {});
  /// Renames the temporary file to `other`, which is replaced. It is no less private than `file()`. @throws as `publish`.
  void publish_as(const std::filesystem::path& other, const std::string& sidecar = {});

 private:
  void publish_to(const std::filesystem::path& target, bool overwrite, const std::string& sidecar);
  void publish_pair(const std::filesystem::path& target, bool overwrite, const std::string& sidecar);
  void remove_former_sidecars(const std::filesystem::path& target, bool replaced);
  void move_to(const std::filesystem::path& target, bool overwrite, FileAccess access);
  [[noreturn]] void keep(const std::string& reason, const std::string& sidecar);

  std::filesystem::path name_;  // as given
  std::filesystem::path file_;  // behind links
  std::filesystem::path temporary_;
  std::optional<UnfinishedFile> unfinished_;
  bool overwrite_;
  bool published_ = false;
  FileAccess access_{};  // of the file to appear
  Descriptor lock_;
};

}  // namespace gmdiff::io
