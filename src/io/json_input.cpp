#include "io/json_input.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <streambuf>

namespace gmdiff::io {

namespace {

constexpr std::size_t max_depth = 32;  // problem files nest 6 deep
// characters of the parser's own message, which may repeat a long token
constexpr std::size_t max_parser_text = 240;

/// Observes the parser. It bounds the nesting and rejects repeated keys, since JSON readers differ in which
/// value they keep.
class ParserGuard {
 public:
  explicit ParserGuard(const Location& where) : where_(where) {}

  template <class AnyJson>
  bool operator()(int, typename AnyJson::parse_event_t event, const AnyJson& parsed) {
    using Event = typename AnyJson::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        if (keys_.size() == max_depth) where_.fail("nested more than ", max_depth, " deep");
        keys_.emplace_back();
        break;
      case Event::object_end:
      case Event::array_end:
        keys_.pop_back();
        break;
      case Event::key:
        if (!keys_.back().insert(parsed.template get_ref<const std::string&>()).second) {
          where_.fail("repeated key ", in_quotes(parsed.template get_ref<const std::string&>()));
        }
        break;
      case Event::value:
        break;
    }
    return true;
  }

 private:
  const Location& where_;
  std::vector<std::set<std::string>> keys_;
};

/// Forwards text and rejects NUL bytes: the parser would take one for the end of the text and ignore the
/// rest.
class TextWithoutNul : public std::streambuf {
 public:
  TextWithoutNul(std::istream& in, const Location& where) : in_(in), where_(where) {}

 protected:
  int_type underflow() override {
    count(std::string_view(eback(), static_cast<std::size_t>(egptr() - eback())));
    if (next_ == end_) fill();
    if (next_ == end_) return traits_type::eof();
    char* const begin = buffer_.data() + next_;
    char* const end = std::find(begin, buffer_.data() + end_, '\0');
    if (begin == end) where_.fail("not valid JSON: a NUL byte at line ", line_, ", column ", column_);
    next_ = static_cast<std::size_t>(end - buffer_.data());
    setg(begin, begin, end);
    return traits_type::to_int_type(*begin);
  }

 private:
  void fill() {
    next_ = 0;
    end_ = static_cast<std::size_t>(
        in_.rdbuf()->sgetn(buffer_.data(), static_cast<std::streamsize>(buffer_.size())));
  }

  /// Advances the place past forwarded text.
  void count(std::string_view text) {
    const std::size_t last = text.rfind('\n');
    line_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    column_ = last == std::string_view::npos ? column_ + text.size() : text.size() - last;
  }

  std::istream& in_;
  const Location& where_;
  std::array<char, 1 << 16> buffer_{};
  std::size_t next_ = 0, end_ = 0;     // range of the buffer that has not been forwarded
  std::size_t line_ = 1, column_ = 1;  // place of the next byte
};

template <class AnyJson>
AnyJson parse(std::istream& in, const Location& where) {
  TextWithoutNul text(in, where);
  std::istream checked(&text);
  ParserGuard guard(where);
  try {
    return AnyJson::parse(checked, [&](int depth, typename AnyJson::parse_event_t event,
                                       const AnyJson& parsed) { return guard(depth, event, parsed); });
  } catch (const typename AnyJson::exception& error) {
    std::string_view message = error.what();
    // "[json.exception.parse_error.101] "
    message.remove_prefix(std::min(message.find("] ") + 2, message.size()));
    where.fail("not valid JSON: ", printable(message, max_parser_text));
  } catch (const std::ios_base::failure& error) {
    throw std::runtime_error(where.prefix() + "reading failed: " + error.what());
  }
}

}  // namespace

Location Location::key(std::string_view name) const {
  Location result = *this;
  result.path_ += (path_.empty() ? "" : ".") + std::string(name);
  return result;
}

Location Location::index(std::size_t i) const {
  Location result = *this;
  result.path_ += "[" + std::to_string(i) + "]";
  return result;
}

std::string Location::prefix() const { return path_.empty() ? file_ + ": " : file_ + ": " + path_ + ": "; }

std::string describe(const Json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_array()) return value.empty() ? "an empty array" : "an array";
  if (value.is_object()) return "an object";
  return value.dump();
}

Json parse_json(std::istream& in, const Location& where) { return parse<Json>(in, where); }
OrderedJson parse_ordered_json(std::istream& in, const Location& where) {
  return parse<OrderedJson>(in, where);
}

const Json& as_object(const Json& value, const Location& where) {
  if (!value.is_object()) where.fail("expected an object, given ", describe(value));
  return value;
}

const Json& member(const Json& object, const Location& where, const char* key) {
  const Json* value = optional_member(object, key);
  if (value == nullptr) where.fail("missing key \"", key, "\"");
  return *value;
}

const Json* optional_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

void check_keys(const Json& object, const Location& where, const std::vector<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      where.fail(unknown_name("key", key, known));
  }
}

}  // namespace gmdiff::io
