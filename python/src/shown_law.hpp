#pragma once

#include <string>
#include <variant>
#include <vector>

#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>

#include "arguments.hpp"
#include "report/view.hpp"

// Finds the law that a picture shows, in the arguments of a call or in the origin of the samples.

namespace gmdiff::python {

inline constexpr double usual_picture_width = 560.0;

/// A law and its name in titles.
struct NamedLaw {
  std::string name;
  std::variant<Mixture, Target> law;

  Eigen::Index dim() const;
};

/// The names of arguments, with those about the law and its view.
std::vector<std::string> with_law_keys(std::vector<std::string> keys);
/// The law of the arguments law, observation and prior. @throws TypeError for an object without a law.
NamedLaw named_law(const Arguments& given);
/// The law at the level that is given.
NamedLaw leveled_law(const Arguments& given);
/// The coordinates that are given, or the first two.
report::View view_of(const Arguments& given, Eigen::Index dim);
/// The mixture in the picture's axes. @throws ValueError for other laws.
report::ViewedLaw viewed_mixture(const Arguments& given, const NamedLaw& named, const report::View& view);
double width_of(const Arguments& given);
/// The process that is given, or that of the problem.
ForwardProcess process_in(const Arguments& given);

/// Keeps the arguments that say which law a run samples with its result.
void keep_origin(const nb::object& samples, const Arguments& given);
/// The arguments of a call, with those about the law from the samples x where the call has none.
/// @param num_positional as for `Arguments`
Arguments with_origin(const char* function, const std::vector<std::string>& keys, std::size_t num_positional,
                      const nb::args& positional, const nb::kwargs& named);

}  // namespace gmdiff::python
