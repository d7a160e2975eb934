#include "io/npz.hpp"

#include <zip.h>

#include <algorithm>
#include <array>
#include <deque>
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
constexpr zip_uint16_t first_date = 1 << 5 | 1;  // 1980-01-01, the first day a zip archive can express
constexpr zip_uint32_t attributes = zip_uint32_t{0100644}
                                    << 16;  // a regular file that its owner may write and all may read

[[noreturn]] void write_failed(const std::filesystem::path& file, const char* reason) {
  throw std::runtime_error(concat(file.string(), ": writing failed (", reason, ")"));
}

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

Archive open_archive(const OutputFile& output) {
  int code = 0;
  Archive archive(zip_open(output.temporary().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    write_failed(output.file(), reason.c_str());
  }
  return archive;
}

void check_names(const std::string& file, const auto& arrays) {
  require(!arrays.empty(), file, ": no arrays to write");
  std::set<std::string> names;
  for (const auto& array : arrays) {
    require(!array.name.empty(), file, ": an array has no name");
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

/// Adds a stored entry, whose source is read when the archive is closed.
void add_entry(zip_t* archive, const OutputFile& output, const std::string& name, zip_source_t* source) {
  if (source == nullptr) write_failed(output.file(), zip_strerror(archive));
  const zip_int64_t entry = zip_file_add(archive, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (entry < 0) {
    zip_source_free(source);
    write_failed(output.file(), zip_strerror(archive));
  }
  const auto index = static_cast<zip_uint64_t>(entry);
  if (zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, index, 0, first_date, 0) != 0 ||
      zip_file_set_external_attributes(archive, index, 0, ZIP_OPSYS_UNIX, attributes) != 0) {
    write_failed(output.file(), zip_strerror(archive));
  }
}

/// Adds header and values as one entry.
void add_array(zip_t* archive, const OutputFile& output, const NpzArray& array, std::string& header) {
  // libzip takes non-const pointers but does not modify the bytes.
  auto* values = reinterpret_cast<zip_uint8_t*>(const_cast<double*>(array.values.data()));
  std::array<zip_buffer_fragment_t, 2> parts{
      {{reinterpret_cast<zip_uint8_t*>(header.data()), header.size()}, {values, array.values.size_bytes()}}};
  const zip_uint64_t count = array.values.empty() ? 1 : 2;
  add_entry(archive, output, array.name, zip_source_buffer_fragment(archive, parts.data(), count, 0));
}

/// Writes the archive under its temporary name.
void close_archive(Archive archive, const OutputFile& output) {
  if (zip_close(archive.get()) != 0) write_failed(output.file(), zip_strerror(archive.get()));
  (void)archive.release();  // closing has freed it
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite) {
  check_arrays(file.string(), arrays);
  OutputFile output(file, overwrite);
  std::deque<std::string> headers;  // a deque keeps their addresses
  Archive archive = open_archive(output);
  for (const NpzArray& array : arrays) {
    add_array(archive.get(), output, array, headers.emplace_back(npy_header(array.shape, Precision::f64)));
  }
  close_archive(std::move(archive), output);
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
  Archive archive = open_archive(output_);
  for (const Part& part : parts_) {
    add_entry(archive.get(), output_, part.name,
              zip_source_file(archive.get(), part.place->temporary().c_str(), 0, -1));
  }
  close_archive(std::move(archive), output_);
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

void NpzReader::CloseArchive::operator()(zip* archive) const { zip_discard(archive); }
void NpzReader::CloseEntry::operator()(zip_file* entry) const { zip_fclose(entry); }

NpzReader::NpzReader(const std::filesystem::path& file) : file_(file.string()) {
  int code = 0;
  archive_.reset(zip_open(file.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  require(archive_ != nullptr || code != ZIP_ER_NOENT, file_, ": no such file");
  require(archive_ != nullptr, file_, ": is not a zip archive that can be read");
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) arrays_.push_back(read_entry(static_cast<zip_uint64_t>(i)));
}

/// Parses the header of an entry and remembers where its values start.
NpzEntry NpzReader::read_entry(std::uint64_t index) {
  constexpr zip_uint64_t most_header = (1 << 20) + 12;  // longer ones are refused anyway
  zip_stat_t stat;
  require(zip_stat_index(archive_.get(), index, 0, &stat) == 0 && (stat.valid & ZIP_STAT_NAME) != 0 &&
              (stat.valid & ZIP_STAT_SIZE) != 0 &&
              stat.size <= static_cast<zip_uint64_t>(std::numeric_limits<std::int64_t>::max()),
          file_, ": entry ", index, " is damaged");
  std::string name = stat.name;
  require(name.ends_with(".npy"), file_, ": its entry ", name, " is not a .npy file");
  entry_.reset(zip_fopen_index(archive_.get(), index, 0));
  require(entry_ != nullptr, file_, ": its entry ", name, " cannot be read (", zip_strerror(archive_.get()),
          ")");
  std::string bytes(std::min(stat.size, most_header), '\0');
  require(std::cmp_equal(zip_fread(entry_.get(), bytes.data(), bytes.size()), bytes.size()), file_,
          ": its entry ", name, " is damaged");
  std::istringstream in(bytes);
  NpyHeader header = read_npy_header(in, static_cast<std::int64_t>(stat.size), file_ + ": " + name);
  data_offsets_.push_back(header.data_offset);
  name.resize(name.size() - std::string(".npy").size());
  return {std::move(name), std::move(header.shape), header.precision};
}

void NpzReader::open(std::size_t array) {
  const NpzEntry& opened = arrays_.at(array);
  entry_.reset(zip_fopen_index(archive_.get(), array, 0));
  require(entry_ != nullptr, file_, ": its array ", opened.name, " cannot be read (",
          zip_strerror(archive_.get()), ")");
  std::string header(static_cast<std::size_t>(data_offsets_[array]), '\0');
  left_ = std::ssize(header) + opened.bytes();
  read_bytes(header);
}

void NpzReader::read_bytes(std::span<char> bytes) {
  require(std::ssize(bytes) <= left_, file_, ": an array has no more values");
  require(std::cmp_equal(zip_fread(entry_.get(), bytes.data(), bytes.size()), bytes.size()), file_,
          ": an array is damaged");
  left_ -= std::ssize(bytes);
  // libzip compares the checksum when the end is read.
  char none = 0;
  require(left_ > 0 || zip_fread(entry_.get(), &none, 1) == 0, file_,
          ": an array is damaged: its checksum does not match");
}

}  // namespace gmdiff::io
