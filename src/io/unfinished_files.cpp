#include "io/unfinished_files.hpp"

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace gmdiff::io {
namespace fs = std::filesystem;
namespace {

struct Registry {
  std::mutex mutex;
  std::multiset<fs::path> names;
};

/// The registry is never destroyed, since other threads may use it until the process ends.
Registry& registry() {
  static auto* const the_one = new Registry;
  return *the_one;
}

bool belongs_to(std::string_view file, std::string_view unfinished) {
  if (!file.starts_with(unfinished)) return false;
  file.remove_prefix(unfinished.size());
  return file.empty() || file.front() == '.' || file.front() == '-';
}

void remove_files_of(const fs::path& name) {
  std::error_code error;
  const std::string unfinished = name.filename().string();
  const fs::path folder = name.has_parent_path() ? name.parent_path() : fs::path(".");
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    std::error_code none;
    if (belongs_to(entry->path().filename().string(), unfinished)) fs::remove(entry->path(), none);
  }
}

}  // namespace

UnfinishedFile::UnfinishedFile(fs::path name) : name_(std::move(name)) {
  const std::lock_guard lock(registry().mutex);
  registry().names.insert(name_);
}

UnfinishedFile::~UnfinishedFile() {
  const std::lock_guard lock(registry().mutex);
  registry().names.erase(registry().names.find(name_));
}

void remove_unfinished_files() {
  registry().mutex.lock();
  for (const fs::path& name : registry().names) remove_files_of(name);
}

}  // namespace gmdiff::io
