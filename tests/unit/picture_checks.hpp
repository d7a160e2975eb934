#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "report/figure.hpp"

// Checks of pictures: texts, and counts of marks.

namespace gmdiff::report {

inline constexpr double widths[] = {240.0, 400.0, 720.0, 1280.0};

inline bool intersect(const Box& a, const Box& b) {
  constexpr double tolerance = 0.5;
  return a.x + tolerance < b.right() && b.x + tolerance < a.right() && a.y + tolerance < b.bottom() &&
         b.y + tolerance < a.bottom();
}

/// No two texts overlap and all are inside the picture.
inline void expect_readable(const Picture& picture) {
  const std::vector<PlacedText>& texts = picture.texts;
  EXPECT_GE(texts.size(), 5U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Box& box = texts[i].box;
    EXPECT_TRUE(box.x >= 0.0 && box.y >= 0.0 && box.right() <= picture.width &&
                box.bottom() <= picture.height)
        << texts[i].text << " leaves the picture " << picture.title << " of width " << picture.width;
    for (std::size_t j = i + 1; j < texts.size(); ++j) {
      EXPECT_FALSE(intersect(box, texts[j].box))
          << texts[i].text << " and " << texts[j].text << " overlap in " << picture.title << " of width "
          << picture.width;
    }
  }
}

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

inline bool has_note(const Picture& picture, const std::string& part) {
  return std::ranges::any_of(picture.notes,
                             [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace gmdiff::report
