#include "io/npz.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"
#include "io/npy_header.hpp"
#include "io/output_file.hpp"

namespace gmdiff::io {

namespace {

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
void add_file(ZipWriter& archive, const std::string& name, const std::filesystem::path& file,
              const std::filesystem::path& output) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> bytes(std::size_t{1} << 20);
  const std::uint64_t size = std::filesystem::file_size(file);
  archive.begin(name + ".npy", size);
  for (std::uint64_t left = size; left > 0; left -= static_cast<std::uint64_t>(in.gcount())) {
    in.read(bytes.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(bytes.size(), left)));
    if (in.gcount() == 0)
      throw std::runtime_error(
          concat(output.string(), ": writing failed (", file.string(), " cannot be read)"));
    archive.write(std::span(bytes).first(static_cast<std::size_t>(in.gcount())));
  }
  archive.end();
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite) {
  check_arrays(file.string(), arrays);
  OutputFile output(file, overwrite);
  ZipWriter archive(output.temporary(), output.file().string());
  for (const NpzArray& array : arrays) {
    const std::string header = npy_header(array.shape, Precision::f64);
    archive.begin(array.name + ".npy", header.size() + array.values.size_bytes());
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
  ZipWriter archive(output_.temporary(), output_.file().string());
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

NpzReader::NpzReader(const std::filesystem::path& file) : file_(file.string()), archive_(file, file_) {
  for (const ZipEntry& entry : archive_.entries()) arrays_.push_back(read_entry(entry));
}

/// Parses the header of an entry and remembers where its values start.
NpzEntry NpzReader::read_entry(const ZipEntry& entry) {
  constexpr std::uint64_t most_header = (1 << 20) + 12;  // longer ones are refused anyway
  std::string name = entry.name;
  require(name.ends_with(".npy"), file_, ": its entry ", name, " is not a .npy file");
  archive_.open(entry);
  std::string bytes(std::min(entry.size, most_header), '\0');
  require(std::cmp_less_equal(entry.size, std::numeric_limits<std::int64_t>::max()) && archive_.read(bytes),
          file_, ": its entry ", name, " is damaged");
  std::istringstream in(bytes);
  NpyHeader header = read_npy_header(in, static_cast<std::int64_t>(entry.size), file_ + ": " + name);
  data_offsets_.push_back(header.data_offset);
  name.resize(name.size() - std::string_view(".npy").size());
  return {std::move(name), std::move(header.shape), header.precision};
}

void NpzReader::open(std::size_t array) {
  const NpzEntry& opened = arrays_.at(array);
  archive_.open(archive_.entries()[array]);
  std::string header(static_cast<std::size_t>(data_offsets_[array]), '\0');
  left_ = std::ssize(header) + opened.bytes();
  read_bytes(header);
}

void NpzReader::read_bytes(std::span<char> bytes) {
  require(std::ssize(bytes) <= left_, file_, ": an array has no more values");
  require(archive_.read(bytes), file_, ": an array is damaged");
  left_ -= std::ssize(bytes);
  require(left_ > 0 || archive_.is_intact(), file_, ": an array is damaged: its checksum does not match");
}

}  // namespace gmdiff::io
