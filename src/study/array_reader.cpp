#include "study/array_reader.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace gmdiff::study {
namespace {

template <class Scalar>
void read_numbers(ResultReader& reader, std::span<double> numbers) {
  constexpr std::size_t most = 1 << 16;
  std::vector<Scalar> values(std::min(most, numbers.size()));
  for (std::size_t first = 0; first < numbers.size(); first += values.size()) {
    values.resize(std::min(values.size(), numbers.size() - first));
    reader.read_bytes({reinterpret_cast<char*>(values.data()), values.size() * sizeof(Scalar)});
    std::ranges::copy(values, numbers.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

}  // namespace

ArrayReader::ArrayReader(const std::filesystem::path& file, const std::string& name) : reader_(file) {
  const ResultArrays& arrays = reader_.arrays();
  auto found = arrays.begin();
  if (arrays.empty() || is_archive(arrays)) {
    found = std::ranges::find(arrays, name, &io::NpzEntry::name);
    require(found != arrays.end(), file.string(), ": an archive without the array ", name);
  }
  array_ = *found;
  reader_.open(static_cast<std::size_t>(found - arrays.begin()));
}

void ArrayReader::read(std::span<double> numbers) {
  if (array_.precision == Precision::f32) {
    read_numbers<float>(reader_, numbers);
  } else {
    read_numbers<double>(reader_, numbers);
  }
}

bool has_array(const std::filesystem::path& file, const std::string& name) {
  if (!io::is_npz(file)) return false;
  const ResultReader reader(file);
  return std::ranges::any_of(reader.arrays(), [&](const io::NpzEntry& array) { return array.name == name; });
}

}  // namespace gmdiff::study
