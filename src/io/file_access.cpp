#include "io/file_access.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace gmdiff::io {

namespace {

constexpr mode_t all_permissions = 0777;

}  // namespace

std::optional<FileAccess> access_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return FileAccess{status.st_mode & all_permissions, status.st_uid, status.st_gid};
}

FileAccess limited(FileAccess access, const std::optional<FileAccess>& limit) {
  if (limit) access.mode &= limit->mode;
  return access;
}

void set_access(const std::filesystem::path& file, FileAccess access) {
  constexpr auto unchanged = static_cast<uid_t>(-1);
  const std::optional<FileAccess> now = access_of(file);
  const bool same_group = now && now->group == access.group;
  const bool same_owner = now && now->owner == access.owner;
  if (!same_owner || !same_group) {
    const bool has_group = ::chown(file.c_str(), access.owner, access.group) == 0 || same_group ||
                           ::chown(file.c_str(), unchanged, access.group) == 0;
    if (!has_group) access.mode &= ~static_cast<mode_t>(S_IRWXG) | (access.mode & S_IRWXO) << 3;
  }
  ::chmod(file.c_str(), access.mode);
}

}  // namespace gmdiff::io
