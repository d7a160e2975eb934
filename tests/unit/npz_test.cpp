#include "io/npz.hpp"

#include <sstream>
#include <vector>

#include <gtest/gtest.h>

#include "io/npy_header.hpp"
#include "unit/file_size_limit.hpp"
#include "unit/io_support.hpp"

namespace gmdiff::io {
namespace {

using test::error_of;
using test::TemporaryFolder;

/// Bytes of an entry.
std::string entry_bytes(const std::filesystem::path& file, const std::string& name) {
  ZipReader archive(file, file.string());
  for (const ZipEntry& entry : archive.entries()) {
    if (entry.name != name) continue;
    archive.open(entry);
    std::string bytes(entry.size, '\0');
    return archive.read(bytes) && archive.is_intact() ? bytes : "damaged";
  }
  return "no entry";
}

/// A little-endian number.
std::string little(std::uint64_t number, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i) & 0xff);
  return text;
}

/// An archive of one entry without a comment, written with the 64-bit extension as if it were large.
std::string as_if_large(const std::string& archive) {
  const std::size_t start = archive.find("PK\1\2"), end = archive.rfind("PK\5\6");
  std::string directory = archive.substr(start, end - start);
  // Offset, size and stored size; a foreign extension comes first.
  std::string sizes = directory.substr(24, 4) + little(0, 4) + directory.substr(20, 4) + little(0, 4);
  const std::string extra = little(0x5455, 2) + little(1, 2) + "t" + little(1, 2) + little(24, 2) + sizes +
                            directory.substr(42, 4) + little(0, 4);
  directory.replace(20, 8, 8, '\xff').replace(42, 4, 4, '\xff').replace(30, 2, little(extra.size(), 2));
  directory += extra;
  const std::string record = "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                             little(1, 8) + little(1, 8) + little(directory.size(), 8) + little(start, 8);
  const std::string locator = "PK\6\7" + little(0, 4) + little(start + directory.size(), 8) + little(1, 4);
  return archive.substr(0, start) + directory + record + locator + "PK\5\6" + little(0, 4) +
         std::string(12, '\xff') + little(3, 2) + "end";
}

TEST(WriteNpz, WritesArraysThatReadBackAsNpyFiles) {
  const TemporaryFolder folder;
  const std::vector<double> density = {1.0, 2.0, 3.0};
  const std::vector<double> score = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};

  write_npz(folder / "r.npz",
            {{"log_density", {3}, density}, {"score", {3, 2}, score}, {"empty", {0, 2}, {}}}, false);

  const std::string bytes = entry_bytes(folder / "r.npz", "score.npy");
  std::istringstream in(bytes);
  const NpyHeader header = read_npy_header(in, static_cast<std::int64_t>(bytes.size()), "score.npy");
  std::vector<double> values(6);
  in.read(reinterpret_cast<char*>(values.data()), 48);
  EXPECT_EQ(header.shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(values, score);
  EXPECT_EQ(entry_bytes(folder / "r.npz", "log_density.npy").substr(128),
            std::string(reinterpret_cast<const char*>(density.data()), 24));
  EXPECT_EQ(entry_bytes(folder / "r.npz", "empty.npy"), npy_header({0, 2}, Precision::f64));
  EXPECT_EQ(folder.count(), 1U);
}

TEST(WriteNpz, WritesTheSameBytesForTheSameArrays) {
  const TemporaryFolder folder;
  const std::vector<double> values = {1.0, 2.0};

  write_npz(folder / "a.npz", {{"x", {2}, values}}, false);
  write_npz(folder / "b.npz", {{"x", {2}, values}}, false);

  EXPECT_EQ(test::read_file(folder / "a.npz"), test::read_file(folder / "b.npz"));
}

TEST(WriteNpz, OverwritesOnlyWhenAsked) {
  const TemporaryFolder folder;
  const std::vector<double> values = {1.0, 2.0};
  write_npz(folder / "a.npz", {{"x", {2}, values}}, false);

  EXPECT_EQ(error_of([&] {
              write_npz(folder / "a.npz", {{"y", {2}, values}}, false);
            }),
            (folder / "a.npz").string() + ": exists already");
  EXPECT_NE(entry_bytes(folder / "a.npz", "x.npy"), "no entry");
  write_npz(folder / "a.npz", {{"y", {2}, values}}, true);
  EXPECT_EQ(entry_bytes(folder / "a.npz", "x.npy"), "no entry");
}

TEST(WriteNpz, RefusesArraysThatDoNotFit) {
  const TemporaryFolder folder;
  const std::string name = (folder / "a.npz").string();
  const std::vector<double> values = {1.0, 2.0};

  EXPECT_EQ(error_of([&] { write_npz(name, {}, false); }), name + ": no arrays to write");
  EXPECT_EQ(error_of([&] { write_npz(name, {{"", {2}, values}}, false); }), name + ": an array has no name");
  EXPECT_EQ(error_of([&] {
              write_npz(name, {{"x", {2}, values}, {"x", {2}, values}}, false);
            }),
            name + ": two arrays have the name x");
  EXPECT_EQ(error_of([&] {
              write_npz(name, {{std::string(65532, 'x'), {2}, values}}, false);
            }),
            name + ": the name of an array has 65532 bytes, expected at most 65531");
  EXPECT_EQ(error_of([&] {
              write_npz(name, {{"x", {3}, values}}, false);
            }),
            name + ": x: shape (3,) needs 3 values, given 2");
  EXPECT_EQ(folder.count(), 0U);
}

const std::vector<NpzEntry> two_arrays{{"x", {3, 2}, Precision::f32}, {"w", {3}, Precision::f64}};

/// Appends row number r of both arrays.
void append_row(NpzWriter& writer, int r) {
  const auto value = static_cast<float>(r);
  writer.append(0, std::vector<float>{value, value + 0.5F});
  writer.append(1, std::vector<double>{10.0 * r});
}

TEST(NpzWriter, WritesArraysRowByRowInTurns) {
  const TemporaryFolder folder;
  NpzWriter writer(folder / "a.npz", two_arrays, false);
  for (int r = 0; r < 3; ++r) append_row(writer, r);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npz"));
  writer.commit();

  NpzReader reader(folder / "a.npz");
  EXPECT_EQ(reader.arrays(), two_arrays);
  std::vector<float> x(6);
  std::vector<double> w(3);
  reader.open(1);
  reader.read_bytes({reinterpret_cast<char*>(w.data()), 24});
  reader.open(0);
  reader.read_bytes({reinterpret_cast<char*>(x.data()), 8});
  reader.read_bytes({reinterpret_cast<char*>(x.data() + 2), 16});
  EXPECT_EQ(x, (std::vector<float>{0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 2.5F}));
  EXPECT_EQ(w, (std::vector<double>{0.0, 10.0, 20.0}));
  EXPECT_EQ(error_of([&] {
              reader.read_bytes({reinterpret_cast<char*>(x.data()), 4});
            }),
            (folder / "a.npz").string() + ": an array has no more values");
}

TEST(NpzWriter, LeavesTheArchiveAlone) {
  const TemporaryFolder folder;
  {
    NpzWriter writer(folder / "a.npz", two_arrays, false);
    append_row(writer, 0);
    EXPECT_NE(error_of([&] { writer.commit(); }), "no exception");
  }
  EXPECT_EQ(folder.count(), 0U);
  {
    NpzWriter writer(folder / "a.npz", two_arrays, false);
    for (int r = 0; r < 3; ++r) append_row(writer, r);
    writer.commit();
  }
  EXPECT_EQ(folder.count(), 1U);
}

TEST(NpzWriter, WritesTheBytesOfWriteNpz) {
  const TemporaryFolder folder;
  const std::vector<double> values = {1.0, 2.0};
  write_npz(folder / "a.npz", {{"x", {2}, values}}, false);
  NpzWriter writer(folder / "b.npz", {{"x", {2}, Precision::f64}}, false);
  writer.append(0, values);
  writer.commit();

  EXPECT_EQ(test::read_file(folder / "a.npz"), test::read_file(folder / "b.npz"));
}

TEST(NpzWriter, KeepsWholeRowsUnderAnotherName) {
  const TemporaryFolder folder;
  NpzWriter writer(folder / "a.npz", two_arrays, false);
  for (int r = 0; r < 2; ++r) append_row(writer, r);

  EXPECT_EQ(writer.commit_partial(folder / "a.npz.partial"), 2);

  const NpzReader reader(folder / "a.npz.partial");
  EXPECT_EQ(reader.arrays(),
            (std::vector<NpzEntry>{{"x", {2, 2}, Precision::f32}, {"w", {2}, Precision::f64}}));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npz"));
}

TEST(NpzReader, NamesWhatIsWrong) {
  const TemporaryFolder folder;
  const std::string name = (folder / "a.npz").string();
  const auto error = [&] { return error_of([&] { NpzReader{name}; }); };

  EXPECT_EQ(error(), name + ": no such file");
  test::write_file(name, "PK no archive");
  EXPECT_EQ(error(), name + ": is not a zip archive that can be read");
  const std::vector<double> values(1000, 1.0);
  write_npz(name, {{"x", {1000}, values}}, true);
  const std::string good = test::read_file(name);
  std::string bad = good;
  bad[bad.find("NUMPY")] = '?';
  test::write_file(name, bad);
  EXPECT_EQ(error(), name + ": x.npy: not a .npy file");
  // The directory, after "PK\1\2" and twice two bytes of versions, has flags and method in two bytes each.
  const std::size_t flags = good.find("PK\1\2") + 8;
  bad = good;
  bad[flags] = 1;
  test::write_file(name, bad);
  EXPECT_EQ(error(), name + ": its entry x.npy is encrypted");
  bad = good;
  bad[flags + 2] = 12;
  test::write_file(name, bad);
  EXPECT_EQ(error(),
            name + ": its entry x.npy is compressed by method 12, expected 0 (stored) or 8 (deflate)");
  bad = good;
  bad[good.find("PK\3\4")] = 'Q';
  test::write_file(name, bad);
  EXPECT_EQ(error(), name + ": its entry x.npy cannot be read (its headers are damaged)");
  bad = good;
  bad[good.find("x.npy", flags)] = '/';
  bad[good.find(".npy", flags)] = '-';
  test::write_file(name, bad);
  EXPECT_EQ(error(), name + ": its entry /-npy is not a .npy file");
  bad = good;
  bad[good.find("PK\1\2")] = 'Q';
  test::write_file(name, bad);
  EXPECT_EQ(error(), name + ": entry 0 is damaged");
  test::write_file(name, good.substr(0, good.size() / 2));
  EXPECT_EQ(error(), name + ": is not a zip archive that can be read");
}

TEST(NpzReader, ReadsTheFieldsOfLargeArchives) {
  const TemporaryFolder folder;
  const std::vector<double> values = {1.0, 2.0, 3.0};
  write_npz(folder / "a.npz", {{"x", {3}, values}}, false);
  const std::string large = as_if_large(test::read_file(folder / "a.npz"));
  test::write_file(folder / "b.npz", large);

  EXPECT_EQ(entry_bytes(folder / "b.npz", "x.npy"), entry_bytes(folder / "a.npz", "x.npy"));
  for (const char* signature : {"PK\6\6", "PK\6\7", "PK\5\6"}) {
    std::string bad = large;
    bad[bad.find(signature)] = 'Q';
    test::write_file(folder / "b.npz", bad);
    EXPECT_EQ(error_of([&] { NpzReader{folder / "b.npz"}; }),
              (folder / "b.npz").string() + ": is not a zip archive that can be read");
  }
}

TEST(NpzReader, ReadsDeflatedArrays) {
  // By numpy.savez_compressed(file, x=numpy.arange(100.0)), whose bytes begin at 55.
  const std::filesystem::path file = test::data_file("deflated.npz");
  NpzReader reader(file);
  std::vector<double> values(100, 1.0);
  reader.open(0);
  reader.read_bytes({reinterpret_cast<char*>(values.data()), 400});
  reader.read_bytes({reinterpret_cast<char*>(values.data() + 50), 400});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i);

  const TemporaryFolder folder;
  const std::string good = test::read_file(file);
  const std::size_t end = good.find("PK\1\2");
  int found = 0;
  for (std::size_t i = 55; i < end; i += 3) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    test::write_file(folder / "a.npz", bad);
    std::vector<double> read(100);
    const std::string message = error_of([&] {
      NpzReader damaged(folder / "a.npz");
      damaged.open(0);
      damaged.read_bytes({reinterpret_cast<char*>(read.data()), 800});
    });
    EXPECT_FALSE(message.starts_with("another exception")) << message;
    if (message != "no exception") {
      ++found;
    } else {
      EXPECT_EQ(read, values) << i;  // another way to compress the same values
    }
  }
  EXPECT_GE(found, 80);  // of 85
}

TEST(NpzReader, SeesDamagedValues) {
  const TemporaryFolder folder;
  const std::vector<double> values(1000, 1.0);
  write_npz(folder / "a.npz", {{"x", {1000}, values}}, true);
  std::string bytes = test::read_file(folder / "a.npz");
  bytes[5000] = static_cast<char>(bytes[5000] + 1);
  test::write_file(folder / "a.npz", bytes);
  NpzReader reader(folder / "a.npz");
  std::vector<char> read(8000);
  reader.open(0);

  EXPECT_TRUE(error_of([&] {
                reader.read_bytes(read);
              }).starts_with((folder / "a.npz").string() + ": an array is damaged"));
}

TEST(NpzReader, NeverCrashesOnAChangedByte) {
  const TemporaryFolder folder;
  const std::vector<double> values = {1.0, 2.0, 3.0};
  write_npz(folder / "a.npz", {{"x", {3}, values}, {"y", {1, 3}, values}}, false);
  const std::string good = test::read_file(folder / "a.npz");
  const auto read_all = [&] {
    NpzReader reader(folder / "b.npz");
    std::vector<char> bytes(24);
    for (std::size_t array = 0; array < reader.arrays().size(); ++array) {
      reader.open(array);
      reader.read_bytes(bytes);
    }
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int change : {1, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      test::write_file(folder / "b.npz", bad);
      EXPECT_FALSE(error_of(read_all).starts_with("another exception"))
          << "byte " << i << ": " << error_of(read_all);
    }
  }
}

TEST(WriteNpz, ReportsAFullDisk) {
  const TemporaryFolder folder;
  const std::vector<double> values(100'000, 1.0);
  // Values that exceed the limit, and a directory that does.
  for (const std::int64_t size : {100'000, 7}) {
    const test::FileSizeLimit limit(256);
    std::string message;
    try {
      write_npz(folder / "a.npz", {{"x", {size}, std::span(values).first(static_cast<std::size_t>(size))}},
                false);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, (folder / "a.npz").string() + ": writing failed (File too large)");
    EXPECT_EQ(folder.count(), 0U);
  }
}

TEST(WriteNpz, ReportsAFolderThatCannotBeWritten) {
  const std::vector<double> values = {1.0, 2.0};
  std::string message;
  try {
    write_npz("/proc/self/a.npz", {{"x", {2}, values}}, false);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }

  EXPECT_TRUE(message.starts_with("/proc/self/a.npz: writing failed (")) << message;
}

}  // namespace
}  // namespace gmdiff::io
