#include <gmdiff/io/npy.hpp>

#include <array>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "io/npy_header.hpp"
#include "unit/io_support.hpp"

namespace gmdiff {
namespace {

using test::data_file;
using test::error_of;
using test::TemporaryFolder;
using test::write_file;

std::vector<double> values_of(const std::filesystem::path& file) {
  NpyReader reader(file);
  std::vector<double> values(static_cast<std::size_t>(reader.size()));
  reader.read(0, values);
  return values;
}

/// Bytes of a .npy file with the given dictionary, without padding, and data.
std::string npy_bytes(const std::string& dictionary, const std::string& data, char major = 1) {
  std::string bytes = std::string("\x93NUMPY") + major + '\0';
  const auto length = dictionary.size();
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(length >> (8 * i) & 0xff);
  return bytes + dictionary + data;
}

const std::vector<double> matrix_values = {1.5, -2.25, 3.0, 0.1, 1e-300, -1e300};

TEST(NpyReader, ReadsEveryHeaderVersionThatNumpyWrites) {
  for (const char* name : {"f8_v1.npy", "f8_v2.npy", "f8_v3.npy"}) {
    NpyReader reader(data_file(name));

    EXPECT_EQ(reader.shape(), (std::vector<std::int64_t>{2, 3})) << name;
    EXPECT_EQ(reader.precision(), Precision::f64) << name;
    EXPECT_EQ(values_of(data_file(name)), matrix_values) << name;
  }
}

TEST(NpyReader, ReadsFloat32AsDouble) {
  NpyReader reader(data_file("f4.npy"));

  EXPECT_EQ(reader.precision(), Precision::f32);
  EXPECT_EQ(values_of(data_file("f4.npy")),
            (std::vector<double>{1.5, -2.25, 3.0, static_cast<double>(0.1f)}));
}

TEST(NpyReader, ReadsEveryRank) {
  EXPECT_EQ(NpyReader(data_file("f8_scalar.npy")).shape(), std::vector<std::int64_t>{});
  EXPECT_EQ(values_of(data_file("f8_scalar.npy")), std::vector<double>{2.5});
  EXPECT_EQ(NpyReader(data_file("f8_vector.npy")).shape(), std::vector<std::int64_t>{3});
  EXPECT_EQ(NpyReader(data_file("f8_rank3.npy")).shape(), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(values_of(data_file("f8_rank3.npy"))[23], 23.0);
  EXPECT_EQ(NpyReader(data_file("f8_empty.npy")).size(), 0);
}

TEST(NpyReader, ReadsAnyRange) {
  NpyReader reader(data_file("f8_rank3.npy"));
  std::array<double, 3> values{};

  reader.read(21, values);
  EXPECT_EQ(values, (std::array<double, 3>{21.0, 22.0, 23.0}));
  reader.read(4, values);
  EXPECT_EQ(values, (std::array<double, 3>{4.0, 5.0, 6.0}));
}

TEST(NpyReader, ReadsRawBytes) {
  NpyReader reader(data_file("f4.npy"));
  std::array<char, 8> bytes{};

  reader.read_bytes(1, 2, bytes);

  std::array<float, 2> values{};
  std::memcpy(values.data(), bytes.data(), bytes.size());
  EXPECT_EQ(values, (std::array<float, 2>{-2.25f, 3.0f}));
}

TEST(NpyReader, AcceptsEveryOrderAndSpacingOfTheDictionary) {
  const TemporaryFolder folder;
  const std::string data(16, '\0');
  for (const char* dictionary :
       {"{'shape': (2,), 'fortran_order': False, 'descr': '<f8'}",
        "{\"descr\":'=f8','fortran_order':False,'shape':(2,),}",
        "  { 'fortran_order' : False ,\n 'descr' : 'f8' , 'shape' : ( 2 , 1 , ) , }  \n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L)}",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (1, 2, 1), }"}) {
    write_file(folder / "a.npy", npy_bytes(dictionary, data));
    EXPECT_EQ(error_of([&] { values_of(folder / "a.npy"); }), "no exception") << dictionary;
  }
}

struct BadHeader {
  const char* dictionary;
  const char* message;
};

TEST(NpyReader, NamesWhatIsWrongWithAHeader) {
  const TemporaryFolder folder;
  const std::string file = (folder / "a.npy").string();
  const BadHeader cases[] = {
      {"", "malformed .npy header: expected a dictionary at byte 0 of the dictionary"},
      {"{}", "malformed .npy header: key 'descr' is missing"},
      {"{'descr': '<f8'}", "malformed .npy header: key 'fortran_order' is missing"},
      {"{'descr': '<f8', 'fortran_order': False}", "malformed .npy header: key 'shape' is missing"},
      {"{'descr': '<f8', 'descr': '<f8'}", "malformed .npy header: key 'descr' twice"},
      {"{'fortran_order': True, 'fortran_order': True}", "malformed .npy header: key 'fortran_order' twice"},
      {"{'descr': '<f8', 'colour': 'red'}", "malformed .npy header: unknown key 'colour'"},
      {"{'descr' '<f8'}", "malformed .npy header: expected ':' at byte 9 of the dictionary"},
      {"{'descr': '<f8' 'shape': ()}",
       "malformed .npy header: expected ',' or '}' at byte 16 of the dictionary"},
      {"{'descr': <f8}", "malformed .npy header: expected a string at byte 10 of the dictionary"},
      {"{'descr': '<f8", "malformed .npy header: expected a short string at byte 10 of the dictionary"},
      {"{'fortran_order': no}", "malformed .npy header: expected True or False at byte 18 of the dictionary"},
      {"{'shape': 3}", "malformed .npy header: expected a tuple at byte 10 of the dictionary"},
      {"{'shape': (3)}", "malformed .npy header: expected ',' at byte 12 of the dictionary"},
      {"{'shape': (3, 2}", "malformed .npy header: expected ',' or ')' at byte 15 of the dictionary"},
      {"{'shape': (-3,)}", "malformed .npy header: expected a dimension >= 0 at byte 11 of the dictionary"},
      {"{'shape': (1.5,)}", "malformed .npy header: expected ',' at byte 12 of the dictionary"},
      {"{'shape': (99999999999999999999,)}", "a dimension does not fit into 64 bits"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} and more",
       "malformed .npy header: expected the end of the header at byte 56 of the dictionary"},
      {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
       "an array of shape (4294967296, 4294967296) is too large"},
      {"{'descr': '|S8', 'fortran_order': False, 'shape': (2,)}",
       "dtype '|S8' is not supported; expected '<f4' or '<f8'"},
  };
  for (const auto& [dictionary, message] : cases) {
    write_file(file, npy_bytes(dictionary, std::string(16, '\0')));
    EXPECT_EQ(error_of([&] { NpyReader reader(file); }), file + ": " + message) << dictionary;
  }
}

TEST(NpyReader, RefusesTooManyDimensions) {
  const TemporaryFolder folder;
  std::string ones;
  for (int i = 0; i < 65; ++i) ones += "1,";
  write_file(folder / "a.npy", npy_bytes("{'descr': '<f8', 'fortran_order': False, 'shape': (" + ones + ")}",
                                         std::string(8, '\0')));

  EXPECT_EQ(error_of([&] { NpyReader reader(folder / "a.npy"); }),
            (folder / "a.npy").string() + ": malformed .npy header: more than 64 dimensions");
}

TEST(NpyReader, NamesDtypesItDoesNotRead) {
  const auto message = [](const char* name) { return error_of([&] { NpyReader reader(data_file(name)); }); };
  const auto prefix = [](const char* name) { return data_file(name).string() + ": "; };

  EXPECT_EQ(message("f8_big_endian.npy"),
            prefix("f8_big_endian.npy") + "dtype '>f8' is big-endian; expected '<f4' or '<f8'");
  EXPECT_EQ(message("i8.npy"), prefix("i8.npy") + "dtype '<i8' is not supported; expected '<f4' or '<f8'");
  EXPECT_EQ(message("f2.npy"), prefix("f2.npy") + "dtype '<f2' is not supported; expected '<f4' or '<f8'");
  EXPECT_EQ(message("complex.npy"),
            prefix("complex.npy") + "dtype '<c16' is not supported; expected '<f4' or '<f8'");
  EXPECT_EQ(message("structured.npy"),
            prefix("structured.npy") + "structured dtypes are not supported; expected '<f4' or '<f8'");
}

TEST(NpyReader, AcceptsFortranOrderOnlyWhereItIsCOrder) {
  EXPECT_EQ(error_of([] { NpyReader reader(data_file("f8_fortran.npy")); }),
            data_file("f8_fortran.npy").string() + ": Fortran order with shape (2, 3); expected C order");
  EXPECT_EQ(values_of(data_file("f8_fortran_row.npy")), (std::vector<double>{1.0, 2.0, 3.0}));
}

TEST(NpyReader, NamesWhatIsNotANpyFile) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& bytes) {
    write_file(folder / "a.npy", bytes);
    return error_of([&] { NpyReader reader(folder / "a.npy"); });
  };
  const std::string prefix = (folder / "a.npy").string() + ": ";

  EXPECT_EQ(message(""), prefix + "not a .npy file");
  EXPECT_EQ(message("PK\3\4 something else"), prefix + "not a .npy file");
  EXPECT_EQ(message(std::string("\x93NUMPY")), prefix + "the .npy header is truncated");
  EXPECT_EQ(message(npy_bytes("{}", "", 4)),
            prefix + ".npy version 4.0 is not known; expected 1.0, 2.0 or 3.0");
  EXPECT_EQ(message(std::string("\x93NUMPY\1\0\xff\xff{}", 12)), prefix + "the .npy header is truncated");
  EXPECT_EQ(message(std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14)),
            prefix + "the .npy header is truncated");
  EXPECT_EQ(message(npy_bytes(std::string(2'000'000, ' '), "", 2)),
            prefix + "a .npy header of 2000000 bytes is too long");
  EXPECT_EQ(error_of([&] { NpyReader reader(folder / "absent.npy"); }),
            (folder / "absent.npy").string() + ": no such file");
  EXPECT_EQ(error_of([&] { NpyReader reader(folder / ""); }),
            (folder / "").string() + ": not a regular file");
  EXPECT_EQ(error_of([] { NpyReader reader("/dev/zero"); }), "/dev/zero: not a regular file");
}

TEST(NpyReader, RefusesTruncatedAndOverlongFiles) {
  const TemporaryFolder folder;
  const std::string whole = test::read_file(data_file("f8_v1.npy"));
  const std::string prefix = (folder / "a.npy").string() + ": ";

  write_file(folder / "a.npy", whole.substr(0, whole.size() - 1));
  EXPECT_EQ(error_of([&] { NpyReader reader(folder / "a.npy"); }),
            prefix + "shape (2, 3) of float64 needs 48 bytes of data, the file has 47");
  write_file(folder / "a.npy", whole + "x");
  EXPECT_EQ(error_of([&] { NpyReader reader(folder / "a.npy"); }),
            prefix + "shape (2, 3) of float64 needs 48 bytes of data, the file has 49");
}

TEST(NpyReader, RefusesRangesOutsideTheArray) {
  NpyReader reader(data_file("f8_vector.npy"));
  NpyReader narrow(data_file("f4.npy"));
  std::array<double, 2> values{};
  std::array<char, 16> bytes{};

  EXPECT_EQ(error_of([&] { reader.read(2, values); }),
            data_file("f8_vector.npy").string() + ": values 2 to 2 + 2 are outside the array of 3");
  EXPECT_EQ(error_of([&] { narrow.read(-1, values); }),
            data_file("f4.npy").string() + ": values -1 to -1 + 2 are outside the array of 4");
  EXPECT_EQ(error_of([&] { reader.read_bytes(0, 3, bytes); }),
            data_file("f8_vector.npy").string() + ": 3 values need a buffer of 24 bytes, given 16");
}

TEST(NpyReader, ReportsAFileThatShrinksWhileOpen) {
  const TemporaryFolder folder;
  write_points(folder / "a.npy", Points::Ones(100'000, 1));
  NpyReader reader(folder / "a.npy");
  std::filesystem::resize_file(folder / "a.npy", 400);
  std::vector<double> values(100'000);

  EXPECT_THROW(reader.read(0, values), std::runtime_error);
}

TEST(NpyReader, ReadsBeyondFourGigabytes) {
  const TemporaryFolder folder;
  const std::int64_t rows = 540'000'000;  // 4.32 GB
  const std::string header = io::npy_header({rows}, Precision::f64);
  const std::array<double, 2> last = {3.5, -4.5};
  write_file(folder / "big.npy", header);
  std::filesystem::resize_file(folder / "big.npy",
                               header.size() + 8 * static_cast<std::uintmax_t>(rows));  // a hole
  std::fstream file(folder / "big.npy", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(header.size()) + 8 * (rows - 2));
  file.write(reinterpret_cast<const char*>(last.data()), 16);
  file.close();

  NpyReader reader(folder / "big.npy");
  std::array<double, 3> values{};
  reader.read(rows - 3, values);

  EXPECT_EQ(reader.size(), rows);
  EXPECT_EQ(values, (std::array<double, 3>{0.0, 3.5, -4.5}));
}

TEST(NpyHeader, IsPaddedAsNumpyPadsItsOwn) {
  const std::string header = io::npy_header({2, 3}, Precision::f64);

  EXPECT_EQ(header, test::read_file(data_file("f8_v1.npy")).substr(0, header.size()));
  EXPECT_EQ(header.size(), 128U);
}

TEST(NpyHeader, RefusesBadShapes) {
  EXPECT_EQ(error_of([] { io::shape_size({3, -1}, "x"); }), "x: shape (3, -1) has a negative entry");
  EXPECT_EQ(error_of([] { io::shape_size(std::vector<std::int64_t>(65, 1), "x"); }),
            "x: more than 64 dimensions");
  EXPECT_EQ(error_of([] {
              io::shape_size({0, 1LL << 40, 1LL << 40}, "x");
            }),
            "x: an array of shape (0, 1099511627776, 1099511627776) is too large");
  EXPECT_EQ(error_of([] { io::npy_header({123456}, Precision::f64, 64); }),
            "npy_header: shape (123456,) does not fit into a header of 64 bytes");
}

TEST(ReadPoints, ShapesRowsByTheLastDimension) {
  EXPECT_EQ(read_points(data_file("f8_rank3.npy")).rows(), 6);
  EXPECT_EQ(read_points(data_file("f8_rank3.npy"))(5, 3), 23.0);
  EXPECT_EQ(read_points(data_file("f8_vector.npy")), (Points{{1.0}, {2.0}, {3.0}}));
  EXPECT_EQ(read_points(data_file("f8_empty.npy")).cols(), 3);
  EXPECT_EQ(error_of([] { read_points(data_file("f8_scalar.npy")); }),
            data_file("f8_scalar.npy").string() + ": expected at least one dimension, given a single number");
}

}  // namespace
}  // namespace gmdiff
