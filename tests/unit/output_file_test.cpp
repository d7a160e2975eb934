// Output files: permissions, sidecars, locks.

#include "io/output_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <gmdiff/io/npy.hpp>

#include "io/file_lock.hpp"
#include "io/npz.hpp"
#include "io/sidecar.hpp"
#include "unit/io_support.hpp"

namespace gmdiff::io {
namespace {

namespace fs = std::filesystem;
using test::read_file;
using test::TemporaryFolder;
using test::write_file;

const char* const some_sidecar =
    R"({"version": "0", "verb": "draw", "plan_hash": "0", "range": [0, 1], "shape": [1]})";

mode_t mode_of(const fs::path& file) { return access_of(file).value().mode; }

void write(const fs::path& file, bool overwrite, const std::string& sidecar = {}) {
  OutputFile output(file, overwrite);
  output.write("new");
  output.publish(sidecar);
}

/// Sets the process's umask.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

TEST(OutputFile, NewFilesHaveThePermissionsOfTheUmask) {
  const TemporaryFolder folder;
  for (const mode_t mask : {022U, 027U, 077U}) {
    const Umask umask(mask);
    const fs::path file = folder / ("a" + std::to_string(mask));

    write(file, false, some_sidecar);

    EXPECT_EQ(mode_of(file), 0666U & ~mask);
    EXPECT_EQ(mode_of(sidecar_path(file)), 0666U & ~mask);
  }
}

TEST(OutputFile, IsPrivateUntilItIsPublished) {
  const TemporaryFolder folder;
  const Umask umask(022);
  const OutputFile output(folder / "a", false);

  EXPECT_EQ(mode_of(output.temporary()), 0600U);
}

TEST(OutputFile, KeepsThePermissionsOfAReplacedFile) {
  const TemporaryFolder folder;
  const Umask umask(022);
  for (const mode_t mode : {0600U, 0640U, 0664U, 0444U, 0400U}) {
    const fs::path file = folder / std::to_string(mode);
    write_file(file, "old");
    ::chmod(file.c_str(), mode);

    write(file, true, some_sidecar);

    EXPECT_EQ(read_file(file), "new");
    EXPECT_EQ(mode_of(file), mode);
    EXPECT_EQ(mode_of(sidecar_path(file)), mode);
  }
}

TEST(OutputFile, NothingBesideAPrivateFileIsLessPrivate) {
  const TemporaryFolder folder;
  const Umask umask(022);
  write_file(folder / "a", "old");
  ::chmod((folder / "a").c_str(), 0640);
  write_file(folder / "a.json", some_sidecar);
  ::chmod((folder / "a.json").c_str(), 0604);
  write_file(folder / "a.partial", "old");
  ::chmod((folder / "a.partial").c_str(), 0444);
  OutputFile output(folder / "a", true);
  output.write("new");
  output.publish_as(folder / "a.partial", some_sidecar);
  write(folder / "a", true, some_sidecar);

  EXPECT_EQ(mode_of(folder / "a.json"), 0600U);
  EXPECT_EQ(mode_of(folder / "a.partial"), 0440U);
  EXPECT_EQ(mode_of(folder / "a.partial.json"), 0440U);
}

TEST(OutputFile, ArchivesArePrivateWhileTheyAreMade) {
  const TemporaryFolder folder;
  const Umask umask(022);
  const std::array<double, 1> value{1.0};
  write_file(folder / "a.npz", "old");
  ::chmod((folder / "a.npz").c_str(), 0600);
  {
    NpzWriter writer(folder / "a.npz", {{"x", {1}}, {"y", {1}}}, true);
    writer.append(0, value);
    writer.append(1, value);
    EXPECT_GT(folder.count(), 3U);
    for (const auto& entry : fs::directory_iterator(folder / ""))
      EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
    writer.commit();
    for (const auto& entry : fs::directory_iterator(folder / ""))
      EXPECT_EQ(mode_of(entry.path()), 0600U) << entry.path();
  }

  EXPECT_EQ(mode_of(folder / "a.npz"), 0600U);
  EXPECT_EQ(NpzReader(folder / "a.npz").arrays().size(), 2U);
  EXPECT_EQ(folder.count(), 1U);
}

constexpr uid_t nobody = 65534;
constexpr gid_t other_group = 54321;

/// Makes the superuser another user for its lifetime.
class OtherUser {
 public:
  explicit OtherUser(uid_t user) { EXPECT_EQ(::seteuid(user), 0); }
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;
  ~OtherUser() { EXPECT_EQ(::seteuid(0), 0); }
};

TEST(OutputFile, TheSuperuserKeepsOwnerAndGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "only the superuser can give files away";
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  ASSERT_EQ(::chown((folder / "a").c_str(), nobody, other_group), 0);

  write(folder / "a", true, some_sidecar);

  for (const char* name : {"a", "a.json"}) {
    EXPECT_EQ(access_of(folder / name)->owner, nobody) << name;
    EXPECT_EQ(access_of(folder / name)->group, other_group) << name;
  }
}

TEST(OutputFile, AGroupThatCannotBeKeptDoesNotGainPermissions) {
  if (::geteuid() != 0) GTEST_SKIP() << "only the superuser can make a file of another group";
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  ASSERT_EQ(::chown((folder / "a").c_str(), 0, other_group), 0);
  ::chmod((folder / "a").c_str(), 0664);
  ::chmod((folder / "").c_str(), 0777);
  {
    const OtherUser user(nobody);
    write(folder / "a", true);
  }

  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(access_of(folder / "a")->owner, nobody);
  EXPECT_NE(access_of(folder / "a")->group, other_group);
  EXPECT_EQ(mode_of(folder / "a"), 0644U);
}

TEST(OutputFile, RemovesTheSidecarOfReplacedDataOnly) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  write_file(folder / "a.json", some_sidecar);
  write(folder / "a", true);
  EXPECT_FALSE(fs::exists(folder / "a.json"));

  for (const std::string other : {R"({"prior": {}})", "no JSON", "", "[]"}) {
    write_file(folder / "a.json", other);
    write(folder / "a", true);
    EXPECT_EQ(read_file(folder / "a.json"), other);
  }
}

TEST(OutputFile, SidecarsFollowLinks) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "store");
  write_file(folder / "store/real", "old");
  write_file(folder / "store/real.json", some_sidecar);
  fs::create_symlink("store/real", folder / "link");
  write_file(folder / "link.json", some_sidecar);

  write(folder / "link", true, "fresh");

  EXPECT_EQ(read_file(folder / "store/real"), "new");
  EXPECT_EQ(read_file(folder / "store/real.json"), "fresh");
  EXPECT_FALSE(fs::exists(folder / "link.json")) << "it was of former data";
  EXPECT_EQ(find_sidecar(folder / "link"), fs::canonical(folder / "store/real.json"));
  EXPECT_EQ(folder.count(), 2U);

  fs::remove(folder / "store/real.json");
  EXPECT_EQ(find_sidecar(folder / "link"), folder / "link.json");
}

TEST(OutputFile, WaitsForTheLockOfItsFolder) {
  const TemporaryFolder folder;
  std::optional<FolderLock> lock(std::in_place, folder / "");
  std::thread writer([&] { write(folder / "a", true, some_sidecar); });

  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(fs::exists(folder / "a"));
  lock.reset();
  writer.join();

  EXPECT_EQ(read_file(folder / "a"), "new");
  EXPECT_EQ(read_file(folder / "a.json"), some_sidecar);
}

TEST(OutputFile, ALockIsNotWaitedForForEver) {
  const TemporaryFolder folder;
  const FolderLock lock(folder / "");

  write(folder / "a", true);

  EXPECT_EQ(read_file(folder / "a"), "new");
}

TEST(MatchSidecar, TellsWhetherASidecarIsOfItsData) {
  const TemporaryFolder folder;
  const Points points{{1.0, 2.0}, {3.0, 4.0}};
  write_points(folder / "a.npy", points);
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::absent);
  write_file(folder / "a.npy.json", R"({"prior": {}})");
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::absent);
  write_file(folder / "a.npy.json", some_sidecar);
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::differs) << "it names no checksums";

  OrderedJson sidecar = OrderedJson::parse(some_sidecar);
  sidecar["shape"] = {2, 2};
  // xxhash.xxh64(numpy.array([[1, 2], [3, 4]], "f8").tobytes()).hexdigest()
  sidecar[checksums_key] = {"8bd09cfb5788e65e"};
  write_file(folder / "a.npy.json", sidecar.dump());
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::matches);
  fs::create_symlink("a.npy", folder / "link.npy");
  EXPECT_EQ(match_sidecar(folder / "link.npy"), SidecarMatch::matches);

  sidecar["shape"] = {4};
  write_file(folder / "a.npy.json", sidecar.dump());
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::differs);
  sidecar["shape"] = {2, 2};
  write_points(folder / "a.npy", points * 1.5, Precision::f64, true);
  write_file(folder / "a.npy.json", sidecar.dump());
  EXPECT_EQ(match_sidecar(folder / "a.npy"), SidecarMatch::differs);
}

}  // namespace
}  // namespace gmdiff::io
