#include <gmdiff/io/npy.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "io/npy_header.hpp"
#include "unit/file_size_limit.hpp"
#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::error_of;
using test::FileSizeLimit;
using test::TemporaryFolder;

TEST(NpyWriter, WritesWhatTheReaderReads) {
  const TemporaryFolder folder;
  const Points points{{1.0, 0.1}, {-2.0, 1e300}, {3.0, 1e-300}};

  write_points(folder / "f64.npy", points);
  write_points(folder / "f32.npy", points, Precision::f32);

  EXPECT_EQ(read_points(folder / "f64.npy"), points);
  EXPECT_EQ(read_points(folder / "f32.npy").col(0), points.col(0));
  EXPECT_EQ(read_points(folder / "f32.npy")(0, 1), static_cast<double>(0.1f));
}

TEST(NpyWriter, WritesEveryRank) {
  const TemporaryFolder folder;
  const std::array<double, 6> values = {0, 1, 2, 3, 4, 5};
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{}, {6}, {6, 1}, {1, 2, 3}, {0, 4}}) {
    NpyWriter writer(folder / "a.npy", shape, Precision::f64, true);
    writer.append(std::span(values).first(static_cast<std::size_t>(io::shape_size(shape, ""))));
    writer.commit();

    EXPECT_EQ(NpyReader(folder / "a.npy").shape(), shape) << io::shape_text(shape);
  }
}

TEST(NpyWriter, ShowsNothingUnderTheNameBeforeCommit) {
  const TemporaryFolder folder;
  const std::array<float, 2> row = {1.0f, 2.0f};
  NpyWriter writer(folder / "a.npy", {2, 2}, Precision::f32, false);

  writer.append(row);
  writer.append(row);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npy"));
  writer.commit();

  EXPECT_EQ(read_points(folder / "a.npy"), (Points{{1.0, 2.0}, {1.0, 2.0}}));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(NpyWriter, LeavesNothingWhenNotCommitted) {
  const TemporaryFolder folder;
  {
    NpyWriter writer(folder / "a.npy", {2, 2}, Precision::f64, false);
    EXPECT_EQ(folder.count(), 1U);
  }

  EXPECT_EQ(folder.count(), 0U);
}

TEST(NpyWriter, TwoWritersOfOneNameDoNotDisturbEachOther) {
  const TemporaryFolder folder;
  const std::array<double, 1> one = {1.0};
  const std::array<double, 1> two = {2.0};
  NpyWriter first(folder / "a.npy", {1}, Precision::f64, true);
  NpyWriter second(folder / "a.npy", {1}, Precision::f64, true);

  first.append(one);
  second.append(two);
  second.commit();
  first.commit();

  EXPECT_EQ(read_points(folder / "a.npy")(0, 0), 1.0);
}

TEST(NpyWriter, OverwritesOnlyWhenAsked) {
  const TemporaryFolder folder;
  const std::string name = (folder / "a.npy").string();
  write_points(folder / "a.npy", Points::Ones(1, 1));

  EXPECT_EQ(error_of([&] { write_points(folder / "a.npy", Points::Zero(1, 1)); }), name + ": exists already");
  EXPECT_EQ(read_points(folder / "a.npy")(0, 0), 1.0);
  write_points(folder / "a.npy", Points::Zero(1, 1), Precision::f64, true);
  EXPECT_EQ(read_points(folder / "a.npy")(0, 0), 0.0);
}

TEST(NpyWriter, DoesNotReplaceAFileThatAppearedMeanwhile) {
  const TemporaryFolder folder;
  const std::array<double, 1> value = {1.0};
  const std::string kept = (folder / "a.npy").string() + ".tmp-" + std::to_string(::getpid());
  {
    NpyWriter writer(folder / "a.npy", {1}, Precision::f64, false);
    writer.append(value);
    test::write_file(folder / "a.npy", "precious");

    EXPECT_EQ(error_of([&] { writer.commit("{}"); }),
              (folder / "a.npy").string() + ": exists already; what was written is kept as " + kept);
  }

  EXPECT_EQ(test::read_file(folder / "a.npy"), "precious");
  EXPECT_EQ(read_points(kept)(0, 0), 1.0);
  EXPECT_EQ(test::read_file(kept + ".json"), "{}");
  EXPECT_EQ(folder.count(), 3U);
}

TEST(NpyWriter, RefusesANameThatAnotherWriterHolds) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink(folder / ".", folder / "here");
  const auto write_second = [&](const std::string& name) {
    NpyWriter(folder / name, {1}, Precision::f64, false);
  };
  {
    const NpyWriter first(folder / "a.npy", {1}, Precision::f64, false);
    const std::string temporary = "a.npy.tmp-" + std::to_string(::getpid());
    for (const std::string name : {"a.npy", "here/a.npy"}) {
      EXPECT_EQ(error_of([&] { write_second(name); }),
                (folder / name).string() + ": another run is writing it, into " + temporary);
    }
    EXPECT_EQ(error_of([&] { write_second("b.npy"); }), "no exception");
    EXPECT_EQ(folder.count(), 2U);
  }
  EXPECT_EQ(error_of([&] { write_second("a.npy"); }), "no exception");
  test::write_file(folder / "a.npy.tmp-1", "left by a run that was killed");
  EXPECT_EQ(error_of([&] { write_second("a.npy"); }), "no exception");
}

TEST(NpyWriter, RefusesALinkToNothing) {
  const TemporaryFolder folder;
  const std::string link = (folder / "link.npy").string();
  std::filesystem::create_symlink("gone.npy", link);

  for (const bool overwrite : {false, true}) {
    EXPECT_EQ(error_of([&] { write_points(link, Points::Zero(1, 1), Precision::f64, overwrite); }),
              link + ": is a link to gone.npy, which cannot be followed (No such file or directory)");
  }
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(NpyWriter, LeavesTheOtherNamesOfAFileAlone) {
  const TemporaryFolder folder;
  write_points(folder / "a.npy", Points::Ones(1, 1));
  std::filesystem::create_hard_link(folder / "a.npy", folder / "b.npy");

  write_points(folder / "b.npy", Points::Zero(1, 1), Precision::f64, true);

  EXPECT_EQ(read_points(folder / "a.npy")(0, 0), 1.0);
  EXPECT_EQ(read_points(folder / "b.npy")(0, 0), 0.0);
}

TEST(NpyWriter, FollowsALinkToTheFileBehindIt) {
  const TemporaryFolder folder;
  write_points(folder / "a.npy", Points::Ones(1, 1));
  std::filesystem::create_symlink(folder / "a.npy", folder / "link.npy");

  write_points(folder / "link.npy", Points::Zero(1, 1), Precision::f64, true);

  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.npy"));
  EXPECT_EQ(read_points(folder / "a.npy")(0, 0), 0.0);
}

TEST(NpyWriter, RefusesTargetsThatAreNoFiles) {
  const TemporaryFolder folder;
  const std::string inside = (folder / "none/a.npy").string();

  EXPECT_EQ(error_of([] { write_points("/dev/null", Points::Zero(1, 1), Precision::f64, true); }),
            "/dev/null: is not a regular file and cannot be replaced");
  EXPECT_EQ(error_of([&] { write_points(inside, Points::Zero(1, 1)); }),
            inside + ": the folder " + (folder / "none").string() + " does not exist");
  EXPECT_EQ(error_of([] { write_points("folder/", Points::Zero(1, 1)); }),
            "output file: the name is missing in \"folder/\"");
}

TEST(NpyWriter, RefusesWrongTypesAndCounts) {
  const TemporaryFolder folder;
  const std::string name = (folder / "a.npy").string();
  const std::array<double, 3> doubles = {};
  const std::array<float, 1> floats = {};
  NpyWriter writer(folder / "a.npy", {2}, Precision::f64, false);
  NpyWriter narrow(folder / "b.npy", {1}, Precision::f32, false);

  EXPECT_EQ(error_of([&] { writer.append(floats); }), name + ": float32 values for a float64 array");
  EXPECT_EQ(error_of([&] { narrow.append(doubles); }),
            (folder / "b.npy").string() + ": float64 values for a float32 array");
  EXPECT_EQ(error_of([&] { writer.append(doubles); }), name + ": 3 more values after 0 for shape (2,)");
  writer.append(std::span(doubles).first(1));
  EXPECT_EQ(error_of([&] { writer.commit(); }), name + ": 1 values written, shape (2,) needs 2");
  writer.append(std::span(doubles).first(1));
  writer.commit();
  EXPECT_EQ(error_of([&] { writer.commit(); }), name + ": is complete already");
  EXPECT_EQ(error_of([&] { writer.append(doubles); }), name + ": is complete already");
  EXPECT_EQ(error_of([&] { writer.commit_partial(folder / "c.npy"); }), name + ": is complete already");
  EXPECT_EQ(error_of([&] { NpyWriter bad(folder / "d.npy", {-1}, Precision::f64, false); }),
            (folder / "d.npy").string() + ": shape (-1,) has a negative entry");
}

TEST(NpyWriter, CompletesTheRowsWrittenSoFarUnderAnotherName) {
  const TemporaryFolder folder;
  const std::array<double, 5> values = {1, 2, 3, 4, 5};
  NpyWriter writer(folder / "a.npy", {1'000'000'000, 2}, Precision::f64, false);
  writer.append(values);

  const std::int64_t rows = writer.commit_partial(folder / "a.npy.partial");

  EXPECT_EQ(rows, 2);
  EXPECT_EQ(read_points(folder / "a.npy.partial"), (Points{{1, 2}, {3, 4}}));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(NpyWriter, CompletesNoRowsAtAll) {
  const TemporaryFolder folder;
  NpyWriter writer(folder / "a.npy", {10, 2, 3}, Precision::f32, false);
  NpyWriter without_rows(folder / "b.npy", {}, Precision::f32, false);

  EXPECT_EQ(writer.commit_partial(folder / "a.npy.partial"), 0);
  EXPECT_EQ(NpyReader(folder / "a.npy.partial").shape(), (std::vector<std::int64_t>{0, 2, 3}));
  EXPECT_EQ(error_of([&] { without_rows.commit_partial(folder / "c"); }),
            (folder / "b.npy").string() + ": a single number has no rows");
}

TEST(NpyWriter, WritesHeadersOfHugeArrays) {
  const TemporaryFolder folder;
  NpyWriter writer(folder / "a.npy", {1'000'000'000'000, 64}, Precision::f32, false);

  EXPECT_EQ(io::npy_header({1'000'000'000'000, 64}, Precision::f32).size(), 128U);
  EXPECT_EQ(writer.commit_partial(folder / "a.npy.partial"), 0);
}

TEST(NpyWriter, ReportsAFailedWriteAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::vector<double> values(1'000'000, 1.0);
  const FileSizeLimit limit(4096);
  std::string message;
  try {
    NpyWriter writer(folder / "a.npy", {1'000'000}, Precision::f64, false);
    writer.append(values);
    writer.commit();
  } catch (const std::runtime_error& error) {
    message = error.what();
  }

  EXPECT_EQ(message, (folder / "a.npy").string() + ": writing failed (File too large)");
  EXPECT_EQ(folder.count(), 0U);
}

TEST(NpyWriter, ReportsAWriteThatFailsOnlyWhenTheBufferIsEmptied) {
  const TemporaryFolder folder;
  const std::vector<double> values(20, 1.0);
  const FileSizeLimit limit(64);
  std::string message;
  try {
    NpyWriter writer(folder / "a.npy", {20}, Precision::f64, false);
    writer.append(values);
    writer.commit();
  } catch (const std::runtime_error& error) {
    message = error.what();
  }

  EXPECT_EQ(message, (folder / "a.npy").string() + ": writing failed (File too large)");
  EXPECT_EQ(folder.count(), 0U);
}

}  // namespace
}  // namespace gmdiff
