#pragma once

#include <cstddef>
#include <cstdint>

// Constants of the format of zip archives.

namespace gmdiff::io::zip_format {

inline constexpr std::uint32_t local_signature = 0x04034b50;
inline constexpr std::uint32_t central_signature = 0x02014b50;
inline constexpr std::uint32_t end_signature = 0x06054b50;
inline constexpr std::uint32_t end_64_signature = 0x06064b50;
inline constexpr std::uint32_t locator_signature = 0x07064b50;
inline constexpr std::uint16_t extension_64 = 0x0001;

// Fields that stand for a value of the 64-bit extension.
inline constexpr std::uint32_t saturated_32 = 0xffffffff;
inline constexpr std::uint16_t saturated_16 = 0xffff;

// Bytes of the fixed parts.
inline constexpr std::size_t local_size = 30;
inline constexpr std::size_t central_size = 46;
inline constexpr std::size_t end_size = 22;
inline constexpr std::size_t end_64_size = 56;
inline constexpr std::size_t locator_size = 20;

}  // namespace gmdiff::io::zip_format
