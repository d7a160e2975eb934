#include "shown_law.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <gmdiff/device/samples.hpp>
#include <gmdiff/model/posterior.hpp>

#include "models.hpp"
#include "numbers.hpp"
#include "plans.hpp"
#include "study/law.hpp"

namespace gmdiff::python {

Eigen::Index NamedLaw::dim() const {
  return std::visit([](const auto& one) { return one.dim(); }, law);
}

namespace {

/// The arguments of a run that say which law it samples.
constexpr std::array kept_keys{"law", "process", "observation", "prior", "level"};

bool flag_of(const Arguments& given, const char* key) {
  const nb::object value = given.find(key);
  return value.is_valid() && truth_of(value, given.place(key));
}

/// The law of a problem.
NamedLaw law_of_problem(const AnyProblem& problem, bool prior) {
  if (const auto* linear = std::get_if<Problem>(&problem)) {
    study::Law law = study::law_of(*linear, prior);
    return {std::move(law.name), std::move(law.mixture)};
  }
  if (const auto* nonlinear = std::get_if<NonlinearProblem>(&problem); nonlinear != nullptr && prior)
    return {"prior", nonlinear->prior};
  const std::optional<Target> target = study::target_in(problem);
  require(target.has_value(), "law: dynamics have no law to show");
  return {study::law_name(problem), *target};
}

NamedLaw law_of_mixture(const Arguments& given, const Mixture& prior) {
  const nb::object observation = given.find("observation");
  if (!observation.is_valid() || flag_of(given, "prior")) return {"mixture", prior};
  if (nb::isinstance<NonlinearObservation>(observation))
    return {"posterior", Target(ObservedMixture{prior, nb::cast<const NonlinearObservation&>(observation)})};
  if (!nb::isinstance<LinearObservation>(observation))
    fail_type(given.place("observation"), "an observation", observation);
  return {"posterior", posterior(prior, nb::cast<const LinearObservation&>(observation)).mixture};
}

}  // namespace

std::vector<std::string> with_law_keys(std::vector<std::string> keys) {
  keys.insert(keys.end(), {"observation", "prior", "level", "coordinates", "width"});
  return keys;
}

NamedLaw named_law(const Arguments& given) {
  const std::vector<nb::object> laws = listed(given.need("law"));
  require(laws.size() == 1, given.place("law"), ": a picture shows one law, given ", laws.size());
  const nb::object& law = laws.front();
  if (const auto problem = find_problem(law)) return law_of_problem(*problem, flag_of(given, "prior"));
  if (nb::isinstance<Posterior>(law)) return {"posterior", nb::cast<const Posterior&>(law).mixture};
  if (const auto target = find_target(law)) return {"target", *target};
  if (!is_mixture(law)) fail_type(given.place("law"), "a Mixture, a problem or a target", law);
  return law_of_mixture(given, mixture_of(law, "law"));
}

NamedLaw leveled_law(const Arguments& given) {
  NamedLaw named = named_law(given);
  const nb::object level = given.find("level");
  if (!level.is_valid()) return named;
  const auto* mixture = std::get_if<Mixture>(&named.law);
  require(mixture != nullptr, given.place("level"), " has no meaning for a law that is no mixture");
  return {named.name, mixture->diffuse(level_of(level, given.place("level")))};
}

report::View view_of(const Arguments& given, Eigen::Index dim) {
  const nb::object coordinates = given.find("coordinates");
  if (!coordinates.is_valid()) return report::usual_view(dim);
  std::vector<Eigen::Index> list;
  for (const nb::object& coordinate : listed(coordinates))
    list.push_back(integer_of(coordinate, given.place("coordinates"), 0));
  return report::coordinate_view(dim, list);
}

double width_of(const Arguments& given) {
  const nb::object width = given.find("width");
  return width.is_valid() ? number_of(width, given.place("width")) : usual_picture_width;
}

ForwardProcess process_in(const Arguments& given) {
  if (!given.find("process").is_valid()) {
    const auto problem = find_problem(given.need("law"));
    const auto* linear = problem ? std::get_if<Problem>(&*problem) : nullptr;
    if (linear != nullptr) return ForwardProcess(linear->process);
  }
  return ForwardProcess(process_of(given.need("process"), given.place("process")));
}

report::ViewedLaw viewed_mixture(const Arguments& given, const NamedLaw& named, const report::View& view) {
  const auto* mixture = std::get_if<Mixture>(&named.law);
  require(mixture != nullptr, given.place("law"), ": the ", named.name,
          " is no mixture; samples_picture shows it behind samples");
  return report::in_view(view, named.name, *mixture);
}

void keep_origin(const nb::object& samples, const Arguments& given) {
  nb::dict origin;
  for (const char* key : kept_keys) {
    if (const nb::object value = given.find(key); value.is_valid()) origin[key] = value;
  }
  samples.attr("_origin") = origin;
}

Arguments with_origin(const char* function, const std::vector<std::string>& keys, std::size_t num_positional,
                      const nb::args& positional, const nb::kwargs& named) {
  Arguments given(function, keys, num_positional, positional, named);
  const nb::object x = given.need("x");
  if (given.find("law").is_valid() || !nb::isinstance<Samples>(x) || !nb::hasattr(x, "_origin")) return given;
  auto all = nb::borrow<nb::kwargs>(nb::dict());
  for (const auto& [key, value] : nb::borrow<nb::dict>(x.attr("_origin"))) {
    if (std::ranges::find(keys, nb::cast<std::string>(key)) != keys.end()) all[key] = value;
  }
  for (const auto& [key, value] : named) {
    if (!value.is_none()) all[key] = value;
  }
  // The first argument is x; those behind it that the call gives by their places stay.
  for (std::size_t i = 2; i < positional.size(); ++i) {
    if (!positional[i].is_none()) all[keys[i].c_str()] = positional[i];
  }
  all["x"] = x;
  return Arguments(function, keys, 0, nb::borrow<nb::args>(nb::tuple()), all);
}

}  // namespace gmdiff::python
