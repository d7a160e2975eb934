#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

// Zip archives as NumPy reads and writes them: stored or deflated entries, with the 64-bit extension where an
// archive or an entry is large (APPNOTE.TXT of PKWARE, version 6.3). zlib inflates and computes checksums.

namespace gmdiff::io {

/// An entry of an archive.
struct ZipEntry {
  std::string name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  ///< 0: stored, 8: deflated
  std::uint32_t crc = 0;
  std::uint64_t stored_size = 0, size = 0;
  std::uint64_t offset = 0;  ///< of its header in the file
};

/// Writes stored entries one after the other. Equal entries give equal bytes.
class ZipWriter {
 public:
  /// @param file an existing file, whose content is replaced. @param name of the archive in messages
  /// @throws std::runtime_error when writing fails, here and below.
  ZipWriter(const std::filesystem::path& file, std::string name);
  /// Begins an entry of `size` bytes. @param name at most 65535 bytes
  void begin(const std::string& name, std::uint64_t size);
  void write(std::span<const char> bytes);
  /// Ends an entry, all bytes of which have been written.
  void end();
  /// Writes the directory and closes the file.
  void close();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void put(const std::string& bytes);
  void check(bool succeeded) const;

  std::string name_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<ZipEntry> entries_;
  std::uint64_t position_ = 0;
};

/// Reads the entries of an archive, one after the other.
class ZipReader {
 public:
  /// @param name of the archive in messages. @throws std::invalid_argument for a file that is missing or no
  ///   zip archive, and for a damaged directory.
  ZipReader(const std::filesystem::path& file, std::string name);
  ~ZipReader();
  ZipReader(ZipReader&&) noexcept;
  ZipReader& operator=(ZipReader&&) noexcept;

  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// Moves to the first byte of an entry. @throws std::invalid_argument if it is encrypted, compressed by
  ///   another method, or its header does not match the directory.
  void open(const ZipEntry& entry);
  /// Reads the next bytes of the entry. @returns false if it has fewer, or they are damaged
  bool read(std::span<char> bytes);
  /// Whether an entry has been read to its end and has its checksum. Nothing can be read afterwards.
  bool is_intact();

 private:
  class Inflater;
  void read_directory();
  void read_entries(std::span<const char> directory, std::uint64_t count);
  std::string bytes_at(std::uint64_t offset, std::uint64_t count);
  bool read_stored(std::span<char> bytes);
  std::size_t refill(std::span<char> buffer);

  std::string name_;
  std::ifstream file_;
  std::uint64_t file_size_ = 0, directory_ = 0;  ///< the directory's offset
  std::vector<ZipEntry> entries_;
  std::unique_ptr<Inflater> inflater_;  ///< of a deflated entry
  std::uint32_t expected_crc_ = 0, crc_ = 0;
  std::uint64_t left_ = 0, stored_left_ = 0;  ///< unread bytes of the open entry
};

}  // namespace gmdiff::io
