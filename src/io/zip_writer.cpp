#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "io/zip_archive.hpp"
#include "io/zip_format.hpp"

namespace gmdiff::io {

namespace {

using namespace zip_format;

// Fixed values of fields that would otherwise depend on date and user: 1980-01-01, the first day that an
// archive can express, and a regular file that its owner may write and all may read.
constexpr std::uint16_t first_date = 1 << 5 | 1;
constexpr std::uint32_t attributes = std::uint32_t{0100644} << 16;
constexpr std::uint16_t made_on_unix = 3 << 8 | 45;  // where attributes are those of Unix; format 4.5
constexpr std::uint16_t utf8_names = 1 << 11;

/// Little-endian numbers.
class Bytes {
 public:
  std::string text;

  template <class... Number>
  Bytes& operator()(Number... numbers) {
    (append(numbers), ...);
    return *this;
  }

 private:
  template <class Number>
  void append(Number number) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      text += static_cast<char>(static_cast<unsigned char>(std::uint64_t{number} >> (8 * i)));
  }
};

bool is_large(std::uint64_t value) { return value >= saturated_32; }
std::uint32_t saturated(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, saturated_32));
}
std::uint16_t version_needed(bool large) { return large ? 45 : 20; }

/// The fields that both headers of an entry have.
void append_common(Bytes& bytes, const ZipEntry& entry, bool large) {
  bytes(version_needed(large), utf8_names, entry.method, std::uint16_t{0}, first_date, entry.crc,
        saturated(entry.stored_size), saturated(entry.size), static_cast<std::uint16_t>(entry.name.size()));
}

std::string local_header(const ZipEntry& entry) {
  const bool large = is_large(entry.size);
  Bytes bytes;
  bytes(local_signature);
  append_common(bytes, entry, large);
  bytes(static_cast<std::uint16_t>(large ? 20 : 0));
  bytes.text += entry.name;
  if (large) bytes(extension_64, std::uint16_t{16}, entry.size, entry.stored_size);
  return std::move(bytes.text);
}

std::string central_header(const ZipEntry& entry) {
  Bytes extension;
  for (const std::uint64_t value : {entry.size, entry.stored_size, entry.offset}) {
    if (is_large(value)) extension(value);
  }
  const bool large = !extension.text.empty();
  Bytes bytes;
  bytes(central_signature, made_on_unix);
  append_common(bytes, entry, large);
  bytes(static_cast<std::uint16_t>(large ? extension.text.size() + 4 : 0), std::uint16_t{0}, std::uint16_t{0},
        std::uint16_t{0}, attributes, saturated(entry.offset));
  bytes.text += entry.name;
  if (large) bytes(extension_64, static_cast<std::uint16_t>(extension.text.size()));
  return std::move(bytes.text) + extension.text;
}

/// The records after the directory.
std::string end_records(std::uint64_t count, std::uint64_t offset, std::uint64_t size) {
  Bytes bytes;
  if (count >= saturated_16 || is_large(offset) || is_large(size)) {
    bytes(end_64_signature, std::uint64_t{44}, made_on_unix, version_needed(true), std::uint32_t{0},
          std::uint32_t{0}, count, count, size, offset);
    bytes(locator_signature, std::uint32_t{0}, offset + size, std::uint32_t{1});
  }
  const auto entries = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, saturated_16));
  bytes(end_signature, std::uint16_t{0}, std::uint16_t{0}, entries, entries, saturated(size),
        saturated(offset), std::uint16_t{0});
  return std::move(bytes.text);
}

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& file, std::string name)
    : name_(std::move(name)), file_(std::fopen(file.c_str(), "wb")) {
  check(file_ != nullptr);
}

void ZipWriter::check(bool succeeded) const {
  if (!succeeded)
    throw std::runtime_error(
        concat(name_, ": writing failed (", std::generic_category().message(errno), ")"));
}

void ZipWriter::put(const std::string& bytes) {
  check(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size());
  position_ += bytes.size();
}

void ZipWriter::begin(const std::string& name, std::uint64_t size) {
  entries_.push_back({.name = name, .stored_size = size, .size = size, .offset = position_});
  put(local_header(entries_.back()));
}

void ZipWriter::write(std::span<const char> bytes) {
  if (bytes.empty()) return;  // zlib takes a null pointer for a new checksum
  std::uint32_t& crc = entries_.back().crc;
  crc = static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  check(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size());
  position_ += bytes.size();
}

void ZipWriter::end() {
  // The header stands before the bytes, whose checksum is known now.
  const ZipEntry& entry = entries_.back();
  check(fseeko(file_.get(), static_cast<off_t>(entry.offset), SEEK_SET) == 0);
  const std::uint64_t position = position_;
  put(local_header(entry));
  position_ = position;
  check(fseeko(file_.get(), static_cast<off_t>(position_), SEEK_SET) == 0);
}

void ZipWriter::close() {
  const std::uint64_t directory = position_;
  for (const ZipEntry& entry : entries_) put(central_header(entry));
  put(end_records(entries_.size(), directory, position_ - directory));
  check(std::fclose(file_.release()) == 0);
}

}  // namespace gmdiff::io
