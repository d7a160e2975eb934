#include "io/npy_header.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

#include "base/check.hpp"

namespace gmdiff::io {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t prefix_bytes_v1 = 10;  // magic, version, 16-bit length
// Longer headers describe structured types; the limit bounds the allocation.
constexpr std::int64_t max_header_bytes = 1 << 20;
constexpr std::size_t max_dimensions = 64;  // NumPy 2 allows 64
constexpr const char* expected_dtype = "expected '<f4' or '<f8'";

/// Strict parser of the header dictionary: a Python literal of strings, True/False and a tuple of integers.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader parse() {
    expect('{', "a dictionary");
    while (!accept('}')) {
      entry();
      if (accept('}')) break;
      expect(',', "',' or '}'");
    }
    skip_spaces();
    if (at_ != text_.size()) malformed("the end of the header");
    missing_unless(has_descr_, "descr");
    missing_unless(order_.has_value(), "fortran_order");
    missing_unless(has_shape_, "shape");
    header_.size = shape_size(header_.shape, name_);
    check_order();
    return header_;
  }

 private:
  void entry() {
    const std::string key = string();
    expect(':', "':'");
    if (key == "descr") {
      once(has_descr_, key);
      descr();
    } else if (key == "fortran_order") {
      bool seen = order_.has_value();
      once(seen, key);
      order_ = boolean();
    } else if (key == "shape") {
      once(has_shape_, key);
      shape();
    } else {
      fail(name_, ": malformed .npy header: unknown key '", key, "'");
    }
  }

  void descr() {
    skip_spaces();
    require(peek() != '[', name_, ": structured dtypes are not supported; ", expected_dtype);
    const std::string dtype = string();
    require(dtype.empty() || dtype.front() != '>', name_, ": dtype '", dtype, "' is big-endian; ",
            expected_dtype);
    const bool native_mark = !dtype.empty() && (dtype.front() == '<' || dtype.front() == '=');
    const std::string type = native_mark ? dtype.substr(1) : dtype;
    require(type == "f4" || type == "f8", name_, ": dtype '", dtype, "' is not supported; ", expected_dtype);
    header_.precision = type == "f4" ? Precision::f32 : Precision::f64;
  }

  void shape() {
    expect('(', "a tuple");
    while (!accept(')')) {
      require(header_.shape.size() < max_dimensions, name_, ": malformed .npy header: more than ",
              max_dimensions, " dimensions");
      header_.shape.push_back(integer());
      // "(3)" is a number in Python, not a tuple: the comma is needed after a single entry.
      if (header_.shape.size() == 1) {
        expect(',', "','");
      } else if (!accept(',')) {
        expect(')', "',' or ')'");
        return;
      }
    }
  }

  std::int64_t integer() {
    skip_spaces();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    require(error != std::errc::result_out_of_range, name_, ": a dimension does not fit into 64 bits");
    if (error != std::errc() || value < 0) malformed("a dimension >= 0");
    at_ += static_cast<std::size_t>(end - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long integers as 3L
    return value;
  }

  bool boolean() {
    skip_spaces();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return value;
      }
    }
    malformed("True or False");
  }

  std::string string() {
    skip_spaces();
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed("a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos || end - at_ > 64) malformed("a short string");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    for (char& c : value) {
      if (c < ' ' || c > '~') c = '?';  // the string may appear in a message
    }
    at_ = end + 1;
    return value;
  }

  /// Fortran order is C order when at most one dimension is not 1.
  void check_order() const {
    int extended = 0;
    for (const std::int64_t n : header_.shape) extended += n != 1;
    require(!*order_ || extended <= 1 || header_.size == 0, name_, ": Fortran order with shape ",
            shape_text(header_.shape), "; expected C order");
  }

  void once(bool& seen, const std::string& key) {
    require(!seen, name_, ": malformed .npy header: key '", key, "' twice");
    seen = true;
  }
  void missing_unless(bool present, const char* key) const {
    require(present, name_, ": malformed .npy header: key '", key, "' is missing");
  }
  [[noreturn]] void malformed(const char* expected) const {
    fail(name_, ": malformed .npy header: expected ", expected, " at byte ", at_, " of the dictionary");
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c, const char* what) {
    if (!accept(c)) malformed(what);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  NpyHeader header_;
  bool has_descr_ = false;
  bool has_shape_ = false;
  std::optional<bool> order_;
};

std::string read_exactly(std::istream& in, std::size_t bytes, const std::string& name) {
  std::string text(bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(bytes));
  require(static_cast<std::size_t>(in.gcount()) == bytes, name, ": the .npy header is truncated");
  return text;
}

std::int64_t little_endian(std::string_view bytes) {
  std::int64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

NpyHeader read_npy_header(std::istream& in, std::int64_t stream_bytes, const std::string& name) {
  std::array<char, magic.size()> start{};
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  require(in.gcount() == static_cast<std::streamsize>(start.size()) &&
              std::string_view(start.data(), start.size()) == magic,
          name, ": not a .npy file");
  const std::string version = read_exactly(in, 2, name);
  const int major = static_cast<unsigned char>(version[0]);
  const int minor = static_cast<unsigned char>(version[1]);
  require(major >= 1 && major <= 3 && minor == 0, name, ": .npy version ", major, ".", minor,
          " is not known; expected 1.0, 2.0 or 3.0");
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::int64_t length = little_endian(read_exactly(in, length_bytes, name));
  const std::int64_t dictionary_start = static_cast<std::int64_t>(magic.size() + 2 + length_bytes);
  require(length <= stream_bytes - dictionary_start, name, ": the .npy header is truncated");
  require(length <= max_header_bytes, name, ": a .npy header of ", length, " bytes is too long");

  const std::string dictionary = read_exactly(in, static_cast<std::size_t>(length), name);
  NpyHeader header = HeaderParser(dictionary, name).parse();
  header.data_offset = dictionary_start + length;
  const std::int64_t wanted = header.size * header.value_bytes();
  const std::int64_t given = stream_bytes - header.data_offset;
  require(wanted == given, name, ": shape ", shape_text(header.shape), " of ",
          header.precision == Precision::f32 ? "float32" : "float64", " needs ", wanted,
          " bytes of data, the file has ", given);
  return header;
}

std::string npy_header(const std::vector<std::int64_t>& shape, Precision precision, std::size_t total_bytes) {
  const std::string dictionary = concat("{'descr': '<f", precision == Precision::f32 ? 4 : 8,
                                        "', 'fortran_order': False, 'shape': ", shape_text(shape), ", }");
  const std::size_t least = prefix_bytes_v1 + dictionary.size() + 1;
  const std::size_t total = total_bytes != 0 ? total_bytes : (least + 63) / 64 * 64;
  require(least <= total && total - prefix_bytes_v1 <= std::numeric_limits<std::uint16_t>::max(),
          "npy_header: shape ", shape_text(shape), " does not fit into a header of ", total, " bytes");
  const std::size_t length = total - prefix_bytes_v1;
  std::string header(magic);
  header += {'\1', '\0', static_cast<char>(length & 0xff), static_cast<char>(length >> 8)};
  header += dictionary;
  header.append(total - least, ' ');
  return header + '\n';
}

std::int64_t shape_size(const std::vector<std::int64_t>& shape, const std::string& name) {
  constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max() / 8;
  require(shape.size() <= max_dimensions, name, ": more than ", max_dimensions, " dimensions");
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t n : shape) {
    require(n >= 0, name, ": shape ", shape_text(shape), " has a negative entry");
    empty = empty || n == 0;
    if (n == 0) continue;
    require(product <= limit / n, name, ": an array of shape ", shape_text(shape), " is too large");
    product *= n;
  }
  return empty ? 0 : product;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace gmdiff::io
