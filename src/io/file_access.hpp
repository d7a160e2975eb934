#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace gmdiff::io {

/// Owner of a file and what it, its group and others may do with it.
struct FileAccess {
  mode_t mode;  ///< the nine bits of permissions
  uid_t owner;
  gid_t group;
};

/// Absent where there is no such file.
std::optional<FileAccess> access_of(const std::filesystem::path& file);

/// `access` without what `limit` does not allow.
FileAccess limited(FileAccess access, const std::optional<FileAccess>& limit);

/// Gives a file this access. Only the superuser may give a file away: where owner or group stay this process's, the group may do no more
/// than others. Nothing happens on file systems without permissions.
void set_access(const std::filesystem::path& file, FileAccess access);

}  // namespace gmdiff::io
