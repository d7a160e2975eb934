#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/names.hpp"

namespace gmdiff::expressions {

/// One number, name or other character of a text, or its end.
struct Token {
  enum class Kind { number, name, symbol, end };
  Kind kind = Kind::end;
  std::string_view text = {};
  std::size_t column = 1;  ///< of the first byte, from 1
  double value = 0.0;      ///< of a number

  bool is(char symbol) const { return kind == Kind::symbol && text.front() == symbol; }
};

/// A token in a message: `'*'`, or `the end of the text`.
std::string describe(const Token& token);

bool is_digit(char c);
/// Letters and the underscore.
bool begins_name(char c);

/// Splits a text into tokens.
class Lexer {
 public:
  /// The text must outlive the object and its tokens.
  explicit Lexer(std::string_view text) : text_(text) { advance(); }

  const Token& token() const { return token_; }
  /// Goes to the next token. @throws std::invalid_argument for a number out of range and for a long name.
  void advance();

  template <class... Parts>
  [[noreturn]] void fail(std::size_t column, const Parts&... parts) const {
    gmdiff::fail("expression ", in_quotes(text_), ": column ", column, ": ", parts...);
  }

 private:
  void read_number();
  void read_name();
  void take(Token::Kind kind, std::size_t length);

  std::string_view text_;
  std::size_t next_ = 0;
  Token token_;
};

}  // namespace gmdiff::expressions
