#pragma once

#include <string>
#include <vector>

namespace gmdiff::report {

/// An axis of a panel: a range of values, linear or logarithmic. `low` < `high`, both finite, and positive on
/// a logarithmic axis.
struct Axis {
  double low = 0.0;
  double high = 1.0;
  std::string label = {};
  bool is_log = false;
  bool has_labels = true;  ///< false: ticks have grid lines only
};

/// Position of a value on the axis, 0 at `low` and 1 at `high`; not a number where the value has none.
double position(const Axis& axis, double value);

struct Tick {
  double value;
  std::string label;
};

/// At most `most` >= 2 ticks at round values: multiples of 1, 2 or 5 times a power of ten; on a logarithmic
/// axis powers of ten, with 2 and 5 times a power of ten where there is room. A short axis may have one tick
/// or none.
std::vector<Tick> ticks(const Axis& axis, int most);

/// A number for a label, with at most `digits` significant digits: 0.25, 12000, 3×10⁻⁷.
std::string number_label(double value, int digits = 3);

/// A whole number with commas between groups of three digits: 10,000,000.
std::string count_label(long long count);

/// The axis over the values from `low` to `high`, widened by `margin` of its length at both ends, so that
/// also equal values have a range.
Axis widened(double low, double high, double margin, std::string label, bool is_log = false);

}  // namespace gmdiff::report
