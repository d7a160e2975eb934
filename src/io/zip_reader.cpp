#include <zlib.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "io/zip_archive.hpp"
#include "io/zip_format.hpp"

namespace gmdiff::io {

namespace {

using namespace zip_format;

/// Reads little-endian numbers one after the other. Past the end they are 0, and `is_good` is false.
class Fields {
 public:
  explicit Fields(std::span<const char> bytes) : bytes_(bytes) {}

  template <class Number>
  Number next() {
    std::uint64_t number = 0;
    const std::span<const char> own = take(sizeof(Number));
    for (std::size_t i = 0; i < own.size(); ++i)
      number |= std::uint64_t{static_cast<unsigned char>(own[i])} << (8 * i);
    return static_cast<Number>(number);
  }
  std::uint16_t u16() { return next<std::uint16_t>(); }
  std::uint32_t u32() { return next<std::uint32_t>(); }
  std::uint64_t u64() { return next<std::uint64_t>(); }
  std::span<const char> take(std::size_t count) {
    is_good_ = is_good_ && count <= bytes_.size();
    if (!is_good_) return {};
    const std::span<const char> own = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return own;
  }
  void skip(std::size_t count) { take(count); }
  bool is_good() const { return is_good_; }
  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const char> bytes_;
  bool is_good_ = true;
};

/// The directory's place, and the number of entries.
struct Directory {
  std::uint64_t count, size, offset;
};

/// The directory that the record at the end of a file describes.
Directory described_by(Fields end) {
  end.skip(4 + 2 + 2 + 2);  // signature, numbers of disks, entries on this one
  const std::uint16_t count = end.u16();
  const std::uint32_t size = end.u32(), offset = end.u32();
  return {count, size, offset};
}

/// Replaces saturated sizes and offsets of an entry by those of its 64-bit extension.
bool read_extension(ZipEntry& entry, std::span<const char> extra) {
  const bool needs_it =
      entry.size == saturated_32 || entry.stored_size == saturated_32 || entry.offset == saturated_32;
  if (!needs_it) return true;
  for (Fields fields(extra); fields.is_good() && !fields.empty();) {
    const std::uint16_t id = fields.u16(), size = fields.u16();
    Fields own(fields.take(size));
    if (id != extension_64) continue;
    for (std::uint64_t* value : {&entry.size, &entry.stored_size, &entry.offset}) {
      if (*value == saturated_32) *value = own.u64();
    }
    return fields.is_good() && own.is_good();
  }
  return true;  // the values are as they are written
}

}  // namespace

/// The state of zlib.
class ZipReader::Inflater {
 public:
  Inflater() : code_(inflateInit2(&stream_, -MAX_WBITS)) {}
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  /// Fills `bytes`; `refill(buffer)` gives further stored bytes, 0 at their end.
  template <class Refill>
  bool read(std::span<char> bytes, Refill refill) {
    while (!bytes.empty()) {
      const std::size_t given = advance(bytes, refill);
      if (given == 0) return false;
      bytes = bytes.subspan(given);
    }
    return true;
  }
  /// Whether the stream ends here, with all stored bytes.
  template <class Refill>
  bool ends(Refill refill) {
    char none = 0;
    while (code_ == Z_OK) {
      if (advance(std::span(&none, 1), refill) > 0) return false;
    }
    return code_ == Z_STREAM_END && stream_.avail_in == 0;
  }

 private:
  /// Inflates at least a byte. @returns the number of bytes, 0 at the end and for damaged ones
  template <class Refill>
  std::size_t advance(std::span<char> bytes, Refill refill) {
    const std::size_t most = std::min<std::size_t>(bytes.size(), std::size_t{1} << 30);
    stream_.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_out = static_cast<uInt>(most);
    while (code_ == Z_OK && stream_.avail_out == most) {
      if (stream_.avail_in == 0) {
        stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        stream_.avail_in = static_cast<uInt>(refill(std::span<char>(buffer_)));
      }
      code_ = inflate(&stream_, Z_NO_FLUSH);
    }
    return most - stream_.avail_out;
  }

  z_stream stream_{};
  std::array<char, 1 << 16> buffer_{};
  int code_ = Z_OK;  // of the last call of zlib
};

ZipReader::ZipReader(const std::filesystem::path& file, std::string name) : name_(std::move(name)) {
  std::error_code failed;
  require(std::filesystem::exists(file, failed), name_, ": no such file");
  file_size_ = std::filesystem::file_size(file, failed);
  if (!failed) file_.open(file, std::ios::binary);
  require(!failed && file_.is_open(), name_, ": is not a zip archive that can be read");
  read_directory();
}
ZipReader::~ZipReader() = default;
ZipReader::ZipReader(ZipReader&&) noexcept = default;
ZipReader& ZipReader::operator=(ZipReader&&) noexcept = default;

/// Bytes of the file; fewer where it ends.
std::string ZipReader::bytes_at(std::uint64_t offset, std::uint64_t count) {
  if (offset >= file_size_) return {};
  std::string bytes(std::min(count, file_size_ - offset), '\0');
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(offset));
  file_.read(bytes.data(), std::ssize(bytes));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file_.gcount(), 0)));
  return bytes;
}

void ZipReader::read_directory() {
  const char* const unreadable = ": is not a zip archive that can be read";
  // A comment of up to 65535 bytes may follow the last record.
  const std::uint64_t tail_size = std::min<std::uint64_t>(file_size_, end_size + saturated_16 + locator_size);
  const std::string tail = bytes_at(file_size_ - tail_size, tail_size);
  std::size_t place = tail.size() >= end_size ? tail.size() - end_size + 1 : 0;
  const auto is_end = [&](std::size_t i) {
    Fields fields{std::span(tail).subspan(i)};
    const bool has_signature = fields.u32() == end_signature;
    fields.skip(end_size - 4 - 2);
    return has_signature && fields.u16() == tail.size() - i - end_size;
  };
  while (place > 0 && !is_end(place - 1)) --place;
  require(place > 0, name_, unreadable);
  Directory directory = described_by(Fields{std::span(tail).subspan(--place)});
  std::uint64_t end = file_size_ - (tail.size() - place);
  if (directory.count == saturated_16 || directory.size == saturated_32 || directory.offset == saturated_32) {
    require(place >= locator_size, name_, unreadable);
    Fields locator{std::span(tail).subspan(place - locator_size)};
    require(locator.u32() == locator_signature, name_, unreadable);
    locator.skip(4);
    end = locator.u64();
    const std::string record = bytes_at(end, end_64_size);
    Fields fields(record);
    require(fields.u32() == end_64_signature, name_, unreadable);
    fields.skip(8 + 2 + 2 + 4 + 4 + 8);
    directory.count = fields.u64();
    directory.size = fields.u64();
    directory.offset = fields.u64();
    require(fields.is_good(), name_, unreadable);
  }
  require(directory.offset <= end && directory.size <= end - directory.offset, name_, unreadable);
  directory_ = directory.offset;
  read_entries(bytes_at(directory.offset, directory.size), directory.count);
}

void ZipReader::read_entries(std::span<const char> directory, std::uint64_t count) {
  Fields fields(directory);
  for (std::uint64_t i = 0; i < count; ++i) {
    ZipEntry entry;
    const bool has_signature = fields.u32() == central_signature;
    fields.skip(2 + 2);  // versions
    entry.flags = fields.u16();
    entry.method = fields.u16();
    fields.skip(2 + 2);  // time and date
    entry.crc = fields.u32();
    entry.stored_size = fields.u32();
    entry.size = fields.u32();
    const std::size_t name = fields.u16(), extra = fields.u16(), comment = fields.u16();
    fields.skip(2 + 2 + 4);  // disk and attributes
    entry.offset = fields.u32();
    const std::span<const char> text = fields.take(name);
    entry.name.assign(text.begin(), text.end());
    const bool has_extension = read_extension(entry, fields.take(extra));
    fields.skip(comment);
    require(has_signature && has_extension && fields.is_good(), name_, ": entry ", i, " is damaged");
    entries_.push_back(std::move(entry));
  }
}

void ZipReader::open(const ZipEntry& entry) {
  require((entry.flags & 1) == 0, name_, ": its entry ", entry.name, " is encrypted");
  require(entry.method == 0 || entry.method == Z_DEFLATED, name_, ": its entry ", entry.name,
          " is compressed by method ", entry.method, ", expected 0 (stored) or 8 (deflate)");
  const std::string header = bytes_at(entry.offset, local_size + entry.name.size());
  Fields fields(header);
  const bool has_signature = fields.u32() == local_signature;
  fields.skip(2 + 2);  // version, flags
  const bool has_method = fields.u16() == entry.method;
  fields.skip(2 + 2 + 4 + 4 + 4);  // time, date, checksum and sizes: those of the directory count
  const std::uint64_t name = fields.u16();
  const std::uint64_t extra = fields.u16();
  const std::span<const char> text = fields.take(entry.name.size());
  const std::uint64_t values = entry.offset + local_size + name + extra;
  require(has_signature && has_method && fields.is_good() && name == entry.name.size() &&
              std::equal(text.begin(), text.end(), entry.name.begin()) && values <= directory_ &&
              entry.stored_size <= directory_ - values &&
              (entry.method != 0 || entry.stored_size == entry.size),
          name_, ": its entry ", entry.name, " cannot be read (its headers are damaged)");
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(values));
  inflater_ = entry.method == 0 ? nullptr : std::make_unique<Inflater>();
  expected_crc_ = entry.crc;
  crc_ = 0;
  left_ = entry.size;
  stored_left_ = entry.stored_size;
}

/// Reads bytes as they are stored.
bool ZipReader::read_stored(std::span<char> bytes) {
  if (bytes.size() > stored_left_) return false;
  stored_left_ -= bytes.size();
  file_.read(bytes.data(), std::ssize(bytes));
  return file_.gcount() == std::ssize(bytes);
}

/// Stored bytes for the inflater. @returns their number, 0 at the end and when reading fails
std::size_t ZipReader::refill(std::span<char> buffer) {
  const std::size_t count = std::min<std::uint64_t>(buffer.size(), stored_left_);
  return read_stored(buffer.first(count)) ? count : 0;
}

bool ZipReader::read(std::span<char> bytes) {
  if (bytes.size() > left_) return false;
  if (bytes.empty()) return true;  // zlib takes a null pointer for a new checksum
  left_ -= bytes.size();
  const bool is_read = inflater_ == nullptr
                           ? read_stored(bytes)
                           : inflater_->read(bytes, [&](std::span<char> buffer) { return refill(buffer); });
  crc_ =
      static_cast<std::uint32_t>(crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  return is_read;
}

bool ZipReader::is_intact() {
  const bool has_ended =
      inflater_ == nullptr || inflater_->ends([&](std::span<char> buffer) { return refill(buffer); });
  return left_ == 0 && stored_left_ == 0 && has_ended && crc_ == expected_crc_;
}

}  // namespace gmdiff::io
