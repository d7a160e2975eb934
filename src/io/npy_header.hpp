#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include <gmdiff/base/precision.hpp>

// The header of NumPy's .npy format (NEP 1): magic string, version, length, and a Python dictionary with the
// keys descr, fortran_order and shape.

namespace gmdiff::io {

struct NpyHeader {
  Precision precision = Precision::f64;
  std::vector<std::int64_t> shape;
  std::int64_t size = 0;         ///< number of values, the product of the shape
  std::int64_t data_offset = 0;  ///< bytes before the first value

  std::int64_t value_bytes() const { return precision == Precision::f32 ? 4 : 8; }
};

/// Parses and checks the header of a .npy stream of `stream_bytes` bytes, positioned at its start.
/// @param name name of the file in messages.
/// @throws std::invalid_argument as `NpyReader` does.
NpyHeader read_npy_header(std::istream& in, std::int64_t stream_bytes, const std::string& name);

/// Magic string, version 1.0 and dictionary, padded with spaces to a multiple of 64 bytes, or to
/// `total_bytes` when given.
std::string npy_header(const std::vector<std::int64_t>& shape, Precision precision,
                       std::size_t total_bytes = 0);

/// Number of values of a shape. @throws std::invalid_argument starting with `name` for a negative entry, more
/// than 64 entries, or when the bytes of the array (8 a value; zeros in the shape left out) overflow 64 bits.
std::int64_t shape_size(const std::vector<std::int64_t>& shape, const std::string& name);

/// A shape written as a Python tuple: `()`, `(3,)`, `(3, 2)`.
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace gmdiff::io
