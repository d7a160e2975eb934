#include "io/npz.hpp"

#include <minizip/unzip.h>
#include <minizip/zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "io/output_file.hpp"

namespace gmdiff::io {

namespace {

// Fixed values of fields that would otherwise depend on date and user, so that equal arrays give equal bytes.
// 1980-01-01, the first day that an archive can express; a regular file that its owner may write and all may
// read; attributes as on Unix, in version 4.5 of the format.
constexpr uLong first_date = (1 << 5 | 1) << 16;
constexpr uLong attributes = uLong{0100644} << 16;
constexpr uLong made_on_unix = 3 << 8 | 45;
constexpr uLong utf8_names = 1 << 11;

// From this size on an entry needs the 64-bit extension.
constexpr std::int64_t first_64_bit_size = 0xffffffff;
// minizip counts the bytes of a call in an int.
constexpr std::size_t most_bytes_of_a_call = std::size_t{1} << 30;

[[noreturn]] void write_failed(const std::filesystem::path& file, const std::string& reason) {
  throw std::runtime_error(concat(file.string(), ": writing failed (", reason, ")"));
}

/// An archive that is written to the temporary name of an output.
class Archive {
 public:
  explicit Archive(const OutputFile& output)
      : output_(output), archive_(zipOpen64(output.temporary().c_str(), APPEND_STATUS_CREATE)) {
    check(archive_ != nullptr ? ZIP_OK : ZIP_ERRNO);
  }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
  ~Archive() {
    if (archive_ != nullptr) zipClose(archive_, nullptr);
  }

  /// Begins a stored entry. @param bytes its size
  void begin(const std::string& name, std::int64_t bytes) {
    zip_fileinfo info{};
    info.dosDate = first_date;
    info.external_fa = attributes;
    check(zipOpenNewFileInZip4_64(archive_, (name + ".npy").c_str(), &info, nullptr, 0, nullptr, 0, nullptr,
                                  /*method=*/0, /*level=*/0, /*raw=*/0, MAX_WBITS, DEF_MEM_LEVEL,
                                  Z_DEFAULT_STRATEGY, /*password=*/nullptr, /*crcForCrypting=*/0,
                                  made_on_unix, utf8_names, /*zip64=*/bytes >= first_64_bit_size ? 1 : 0));
  }
  void write(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), most_bytes_of_a_call);
      check(zipWriteInFileInZip(archive_, bytes.data(), static_cast<unsigned>(count)));
      bytes = bytes.subspan(count);
    }
  }
  void end() { check(zipCloseFileInZip(archive_)); }
  /// Writes the directory of the archive.
  void close() { check(zipClose(std::exchange(archive_, nullptr), nullptr)); }

 private:
  void check(int code) const {
    if (code == ZIP_ERRNO) write_failed(output_.file(), std::generic_category().message(errno));
    if (code != ZIP_OK) write_failed(output_.file(), concat("error ", code, " of minizip"));
  }

  const OutputFile& output_;
  zipFile archive_;
};

void check_names(const std::string& file, const auto& arrays) {
  // An entry has 16 bits for the length of its name.
  constexpr std::size_t longest = std::numeric_limits<std::uint16_t>::max() - std::string_view(".npy").size();
  require(!arrays.empty(), file, ": no arrays to write");
  std::set<std::string> names;
  for (const auto& array : arrays) {
    require(!array.name.empty(), file, ": an array has no name");
    require(array.name.size() <= longest, file, ": the name of an array has ", array.name.size(),
            " bytes, expected at most ", longest);
    require(names.insert(array.name).second, file, ": two arrays have the name ", array.name);
  }
}

void check_arrays(const std::string& file, const std::vector<NpzArray>& arrays) {
  check_names(file, arrays);
  for (const NpzArray& array : arrays) {
    const std::int64_t size = shape_size(array.shape, file + ": " + array.name);
    require(std::cmp_equal(size, array.values.size()), file, ": ", array.name, ": shape ",
            shape_text(array.shape), " needs ", size, " values, given ", array.values.size());
  }
}

/// Copies a finished .npy file into an entry.
void add_file(Archive& archive, const std::string& name, const std::filesystem::path& file,
              const std::filesystem::path& output) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> bytes(std::size_t{1} << 20);
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file));
  archive.begin(name, size);
  for (std::int64_t left = size; left > 0; left -= in.gcount()) {
    in.read(bytes.data(), std::min(std::ssize(bytes), left));
    if (in.gcount() == 0) write_failed(output, file.string() + " cannot be read");
    archive.write(std::span(bytes).first(static_cast<std::size_t>(in.gcount())));
  }
  archive.end();
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite) {
  check_arrays(file.string(), arrays);
  OutputFile output(file, overwrite);
  Archive archive(output);
  for (const NpzArray& array : arrays) {
    const std::string header = npy_header(array.shape, Precision::f64);
    archive.begin(array.name, std::ssize(header) + static_cast<std::int64_t>(array.values.size_bytes()));
    archive.write(header);
    archive.write({reinterpret_cast<const char*>(array.values.data()), array.values.size_bytes()});
    archive.end();
  }
  archive.close();
  output.publish();
}

std::int64_t NpzEntry::bytes() const {
  return shape_size(shape, name) * (precision == Precision::f32 ? 4 : 8);
}

bool is_npz(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, 2> start{};
  return in.read(start.data(), std::ssize(start)) && start == std::array{'P', 'K'};
}

NpzWriter::NpzWriter(const std::filesystem::path& file, const std::vector<NpzEntry>& arrays, bool overwrite)
    : output_(file, overwrite) {
  check_names(file.string(), arrays);
  for (const NpzEntry& array : arrays) {
    auto place = std::make_unique<OutputFile>(output_.temporary().string() + "-" + array.name + ".npy",
                                              /*overwrite=*/false);
    auto writer =
        std::make_unique<NpyWriter>(place->temporary(), array.shape, array.precision, /*overwrite=*/true);
    parts_.push_back({array.name, std::move(place), std::move(writer)});
  }
}

void NpzWriter::assemble() {
  Archive archive(output_);
  for (const Part& part : parts_) add_file(archive, part.name, part.place->temporary(), output_.file());
  archive.close();
}

void NpzWriter::commit(const std::string& sidecar) {
  for (const Part& part : parts_) part.writer->commit();
  assemble();
  output_.publish(sidecar);
}

std::int64_t NpzWriter::commit_partial(const std::filesystem::path& other, const std::string& sidecar) {
  std::set<std::int64_t> rows;
  for (const Part& part : parts_) rows.insert(part.writer->commit_partial(part.place->temporary()));
  require(rows.size() == 1, output_.file().string(), ": its arrays have different numbers of rows");
  assemble();
  output_.publish_as(other, sidecar);
  return *rows.begin();
}

void NpzReader::CloseArchive::operator()(void* archive) const { unzClose(archive); }

NpzReader::NpzReader(const std::filesystem::path& file) : file_(file.string()) {
  std::error_code failed;
  require(std::filesystem::exists(file, failed), file_, ": no such file");
  archive_.reset(unzOpen64(file.c_str()));
  unz_global_info64 global{};
  require(archive_ != nullptr && unzGetGlobalInfo64(archive_.get(), &global) == UNZ_OK, file_,
          ": is not a zip archive that can be read");
  for (std::uint64_t i = 0; i < global.number_entry; ++i) {
    const int code = i == 0 ? unzGoToFirstFile(archive_.get()) : unzGoToNextFile(archive_.get());
    require(code == UNZ_OK, file_, ": entry ", i, " is damaged");
    arrays_.push_back(read_entry(i));
  }
}

/// Parses the header of the current entry and remembers where its values start.
NpzEntry NpzReader::read_entry(std::uint64_t index) {
  constexpr std::uint64_t most_header = (1 << 20) + 12;  // longer ones are refused anyway
  unz_file_info64 info{};
  std::string name(std::numeric_limits<std::uint16_t>::max(), '\0');
  unz64_file_pos position{};
  require(unzGetCurrentFileInfo64(archive_.get(), &info, name.data(), name.size(), nullptr, 0, nullptr, 0) ==
                  UNZ_OK &&
              unzGetFilePos64(archive_.get(), &position) == UNZ_OK &&
              std::cmp_less_equal(info.uncompressed_size, std::numeric_limits<std::int64_t>::max()),
          file_, ": entry ", index, " is damaged");
  name.resize(info.size_filename);
  require(name.ends_with(".npy"), file_, ": its entry ", name, " is not a .npy file");
  require((info.flag & 1) == 0, file_, ": its entry ", name, " is encrypted");
  require(info.compression_method == 0 || info.compression_method == Z_DEFLATED, file_, ": its entry ", name,
          " is compressed by method ", info.compression_method, ", expected 0 (stored) or 8 (deflate)");
  places_.push_back({.in_directory = position.pos_in_zip_directory, .number = position.num_of_file});
  open_entry(places_.back(), name);
  std::string bytes(std::min<std::uint64_t>(info.uncompressed_size, most_header), '\0');
  require(read_some(bytes), file_, ": its entry ", name, " is damaged");
  std::istringstream in(bytes);
  NpyHeader header =
      read_npy_header(in, static_cast<std::int64_t>(info.uncompressed_size), file_ + ": " + name);
  places_.back().values = header.data_offset;
  name.resize(name.size() - std::string_view(".npy").size());
  return {std::move(name), std::move(header.shape), header.precision};
}

/// Opens an entry at the first byte of its header.
void NpzReader::open_entry(const Place& place, const std::string& name) {
  const unz64_file_pos position{.pos_in_zip_directory = place.in_directory, .num_of_file = place.number};
  require(
      unzGoToFilePos64(archive_.get(), &position) == UNZ_OK && unzOpenCurrentFile(archive_.get()) == UNZ_OK,
      file_, ": its entry ", name, " cannot be read (its headers are damaged)");
}

/// Reads bytes of the open entry. @return whether it had as many
bool NpzReader::read_some(std::span<char> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), most_bytes_of_a_call);
    const int read = unzReadCurrentFile(archive_.get(), bytes.data(), static_cast<unsigned>(count));
    if (!std::cmp_equal(read, count)) return false;
    bytes = bytes.subspan(count);
  }
  return true;
}

void NpzReader::open(std::size_t array) {
  const NpzEntry& opened = arrays_.at(array);
  open_entry(places_[array], opened.name + ".npy");
  std::string header(static_cast<std::size_t>(places_[array].values), '\0');
  left_ = std::ssize(header) + opened.bytes();
  read_bytes(header);
}

void NpzReader::read_bytes(std::span<char> bytes) {
  require(std::ssize(bytes) <= left_, file_, ": an array has no more values");
  require(read_some(bytes), file_, ": an array is damaged");
  left_ -= std::ssize(bytes);
  // minizip compares the checksum when an entry is closed of which all bytes have been read.
  require(left_ > 0 || unzCloseCurrentFile(archive_.get()) != UNZ_CRCERROR, file_,
          ": an array is damaged: its checksum does not match");
}

}  // namespace gmdiff::io
