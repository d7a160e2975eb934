#include "model/expression/lexer.hpp"

#include <charconv>

#include <gmdiff/model/expression.hpp>

namespace gmdiff::expressions {
namespace {

constexpr std::string_view blanks = " \t\r\n";

}  // namespace

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

std::string describe(const Token& token) {
  if (token.kind == Token::Kind::end) return "the end of the text";
  return "'" + printable(token.text, Expression::max_name_length) + "'";
}

void Lexer::advance() {
  next_ = std::min(text_.find_first_not_of(blanks, next_), text_.size());
  const std::string_view rest = text_.substr(next_);
  if (rest.empty()) return take(Token::Kind::end, 0);
  if (begins_name(rest[0])) return read_name();
  if (is_digit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && is_digit(rest[1]))) return read_number();
  take(Token::Kind::symbol, 1);
}

void Lexer::read_number() {
  const char* const begin = text_.data() + next_;
  double value = 0.0;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  take(Token::Kind::number, static_cast<std::size_t>(end - begin));
  if (error != std::errc()) fail(token_.column, "the number ", describe(token_), " is out of range");
  token_.value = value;
}

void Lexer::read_name() {
  std::size_t length = 1;
  while (next_ + length < text_.size() &&
         (begins_name(text_[next_ + length]) || is_digit(text_[next_ + length]))) {
    ++length;
  }
  take(Token::Kind::name, length);
  if (length > std::size_t{Expression::max_name_length}) {
    fail(token_.column, "a name has ", length, " characters, expected at most ", Expression::max_name_length);
  }
}

void Lexer::take(Token::Kind kind, std::size_t length) {
  token_ = {.kind = kind, .text = text_.substr(next_, length), .column = next_ + 1};
  next_ += length;
}

}  // namespace gmdiff::expressions
