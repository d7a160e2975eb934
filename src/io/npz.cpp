#include "io/npz.hpp"

#include <zip.h>

#include <array>
#include <deque>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>

#include "io/npy_header.hpp"
#include "io/output_file.hpp"
#include "model/check.hpp"

namespace gmdiff::io {

namespace {

constexpr zip_uint16_t first_date = 1 << 5 | 1;  // 1980-01-01, the first day a zip archive can express: same arrays, same bytes

[[noreturn]] void write_failed(const std::filesystem::path& file, const char* reason) {
  throw std::runtime_error(concat(file.string(), ": writing failed (", reason, ")"));
}

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

Archive open_archive(const OutputFile& output) {
  int code = 0;
  Archive archive(zip_open(output.temporary().c_str(), ZIP_CREATE | ZIP_EXCL, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    write_failed(output.file(), reason.c_str());
  }
  return archive;
}

void check_arrays(const std::string& file, const std::vector<NpzArray>& arrays) {
  require(!arrays.empty(), file, ": no arrays to write");
  std::set<std::string> names;
  for (const NpzArray& array : arrays) {
    require(!array.name.empty(), file, ": an array has no name");
    require(names.insert(array.name).second, file, ": two arrays have the name ", array.name);
    const std::int64_t size = shape_size(array.shape, file + ": " + array.name);
    require(std::cmp_equal(size, array.values.size()), file, ": ", array.name, ": shape ", shape_text(array.shape), " needs ", size,
            " values, given ", array.values.size());
  }
}

/// Adds header and values as one stored entry; both are read when the archive is closed.
void add_array(zip_t* archive, const OutputFile& output, const NpzArray& array, std::string& header) {
  // libzip reads through non-const pointers and leaves the bytes alone.
  auto* values = reinterpret_cast<zip_uint8_t*>(const_cast<double*>(array.values.data()));
  std::array<zip_buffer_fragment_t, 2> parts{
      {{reinterpret_cast<zip_uint8_t*>(header.data()), header.size()}, {values, array.values.size_bytes()}}};
  const zip_uint64_t count = array.values.empty() ? 1 : 2;
  zip_source_t* source = zip_source_buffer_fragment(archive, parts.data(), count, 0);
  if (source == nullptr) write_failed(output.file(), zip_strerror(archive));
  const zip_int64_t entry = zip_file_add(archive, (array.name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
  if (entry < 0) {
    zip_source_free(source);
    write_failed(output.file(), zip_strerror(archive));
  }
  const auto index = static_cast<zip_uint64_t>(entry);
  if (zip_set_file_compression(archive, index, ZIP_CM_STORE, 0) != 0 || zip_file_set_dostime(archive, index, 0, first_date, 0) != 0) {
    write_failed(output.file(), zip_strerror(archive));
  }
}

}  // namespace

void write_npz(const std::filesystem::path& file, const std::vector<NpzArray>& arrays, bool overwrite) {
  check_arrays(file.string(), arrays);
  OutputFile output(file, overwrite);
  std::deque<std::string> headers;  // their addresses stay
  Archive archive = open_archive(output);
  for (const NpzArray& array : arrays) {
    add_array(archive.get(), output, array, headers.emplace_back(npy_header(array.shape, Precision::f64)));
  }
  if (zip_close(archive.get()) != 0) write_failed(output.file(), zip_strerror(archive.get()));
  (void)archive.release();  // closing has freed it
  output.publish();
}

}  // namespace gmdiff::io
