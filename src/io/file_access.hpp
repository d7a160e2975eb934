#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace gmdiff::io {

/// Owner, group and permissions of a file.
struct FileAccess {
  mode_t mode;  ///< the nine bits of permissions
  uid_t owner;
  gid_t group;
};

/// Access of an existing file; empty without such a file.
std::optional<FileAccess> access_of(const std::filesystem::path& file);

/// `access` without the permissions that `limit` does not have.
FileAccess limited(FileAccess access, const std::optional<FileAccess>& limit);

/// Gives a file this access. Only the superuser can change owner and group; if either remains that of this
/// process, the group gets no more permissions than others. The call has no effect on file systems without
/// permissions.
void set_access(const std::filesystem::path& file, FileAccess access);

}  // namespace gmdiff::io
