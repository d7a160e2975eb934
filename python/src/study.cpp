#include <gmdiff/study/compare.hpp>

#include <gmdiff/io/problem_file.hpp>

#include "bindings.hpp"
#include "callables.hpp"
#include "descriptions.hpp"
#include "metrics/metric_names.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "options.hpp"
#include "plans.hpp"

#include "running.hpp"
#include "states.hpp"
#include "study/law.hpp"

// Distances to exact laws, and comparisons of samplers.

namespace gmdiff::python {

template <>
struct StateOf<RatioSpread> {
  static constexpr AllMembers members{&RatioSpread::low, &RatioSpread::high};
};
template <>
struct StateOf<SinkhornReport> {
  static constexpr AllMembers members{&SinkhornReport::iterations, &SinkhornReport::error,
                                      &SinkhornReport::converged};
};
template <>
struct StateOf<Judgement> {
  static constexpr AllMembers members{&Judgement::quantity,  &Judgement::value,    &Judgement::value_sd,
                                      &Judgement::floor,     &Judgement::floor_sd, &Judgement::ratio,
                                      &Judgement::bandwidth, &Judgement::spread,   &Judgement::sinkhorn};
};
template <>
struct StateOf<QuantityFigures> {
  static constexpr AllMembers members{&QuantityFigures::quantity,       &QuantityFigures::value,
                                      &QuantityFigures::standard_error, &QuantityFigures::median,
                                      &QuantityFigures::floor,          &QuantityFigures::floor_sd,
                                      &QuantityFigures::ratio};
};
/// Rows of a comparison without the records of their runs, which Python does not have.
template <>
struct Codec<SamplerRow> {
  static constexpr auto members = std::tuple(
      &SamplerRow::sampler, &SamplerRow::error, &SamplerRow::quantities, &SamplerRow::log_evidence_error,
      &SamplerRow::log_evidence_sd, &SamplerRow::ess, &SamplerRow::smallest_ess, &SamplerRow::evaluations,
      &SamplerRow::ess_per_second, &SamplerRow::seconds, &SamplerRow::problems, &SamplerRow::runs,
      &SamplerRow::diverged, &SamplerRow::reused, &SamplerRow::warnings, &SamplerRow::samples);

  static nb::object write(const SamplerRow& row) {
    return std::apply([&](auto... member) -> nb::object { return nb::make_tuple(to_state(row.*member)...); },
                      members);
  }
  static SamplerRow read(nb::handle state) {
    const auto parts = nb::cast<nb::tuple>(state);
    SamplerRow row;
    std::size_t i = 0;
    const auto set = [&]<class M>(M SamplerRow::*member) {
      row.*member = from_state<M>(nb::object(parts[i++]));
    };
    std::apply([&](auto... member) { (set(member), ...); }, members);
    return row;
  }
};
namespace {

std::vector<Metric> metrics_of(const nb::object& given, const std::string& place) {
  std::vector<std::string> names;
  names.reserve(metric_names.size());
  for (const auto& [name, metric] : metric_names) names.emplace_back(name);
  std::vector<Metric> metrics;
  for (const nb::object& name : listed(given))
    metrics.push_back(metric_names[choice_of(name, place, names)].second);
  return metrics;
}

/// The options of the metrics but for the seed.
JudgeOptions judging_of(const Arguments& given) {
  JudgeOptions options;
  const auto with = [&](const char* key, auto read) {
    if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
  };
  constexpr int most = std::numeric_limits<int>::max();
  with("p", [&](auto value, auto place) { options.p = static_cast<int>(integer_of(value, place, 1, 2)); });
  with("slices",
       [&](auto value, auto place) { options.slices = static_cast<int>(integer_of(value, place, 1, most)); });
  with("repeats", [&](auto value, auto place) {
    options.repeats = static_cast<int>(integer_of(value, place, 2, most));
  });
  with("bandwidth", [&](auto value, auto place) { options.bandwidth = number_of(value, place); });
  with("device", [&](auto value, auto place) { options.device = device_of(value, place); });
  return options;
}

/// The law that samples are judged against; it is kept alive.
study::ExactLaw law_of(const nb::object& law, const std::string& place) {
  if (is_mixture(law)) return {"law", mixture_of(law, "law")};
  if (nb::isinstance<TargetLaw>(law)) return {"law", nb::cast<const TargetLaw&>(law)};
  if (auto target = find_target(law))
    return {study::target_law, watched([&](const std::stop_token&) { return TargetLaw(*target); })};
  if (auto problem = find_problem(law))
    return watched([&](const std::stop_token&) { return study::exact_law_of(*problem, "the problem"); });
  fail_type(place, "a Mixture, a target or a problem", law);
}

std::vector<Judgement> judge_samples(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given(
      "judge", {"x", "law", "metrics", "p", "slices", "repeats", "seed", "spread", "bandwidth", "device"}, 3,
      positional, named);
  const nb::object x = given.need("x");
  const PointSet set = nb::isinstance<Samples>(x) ? PointSet(nb::cast<const Samples&>(x))
                                                  : PointSet(points_of(x, given.place("x")));
  const study::ExactLaw law = law_of(given.need("law"), given.place("law"));
  JudgeOptions options = judging_of(given);
  if (const nb::object seed = given.find("seed"); seed.is_valid())
    options.seed = seed_of(seed, given.place("seed"));
  if (const nb::object spread = given.find("spread"); spread.is_valid())
    options.spread = truth_of(spread, given.place("spread"));
  std::vector<Metric> metrics{Metric::sliced_wasserstein};
  if (const nb::object names = given.find("metrics"); names.is_valid())
    metrics = metrics_of(names, given.place("metrics"));
  return watched([&](const std::stop_token&) {
    std::vector<Judgement> all;
    for (const Metric metric : metrics) {
      options.metric = metric;
      for (Judgement& judgement : judge(set, law.reference(), options)) all.push_back(std::move(judgement));
    }
    return all;
  });
}

template <class T>
nb::object optional_object(const std::optional<T>& value) {
  return value ? nb::cast(*value) : nb::object(nb::none());
}

template <class T>
nb::list list_of_objects(const std::vector<T>& values) {
  nb::list list;
  for (const T& value : values) list.append(nb::cast(value));
  return list;
}

void bind_judgement(nb::module_& module) {
  const auto docs_of = [](const char* name) { return optional_docs(std::string("Judgement::") + name); };
  nb::class_<Judgement> made(module, "Judgement", docs("Judgement"));
  def_state(made);
  made.def_prop_ro(
          "quantity", [](const Judgement& self) { return self.quantity; }, docs_of("quantity"))
      .def_ro("value", &Judgement::value,
              "The distance; where it is computed from exact draws, its mean over the repeats.")
      .def_ro("value_sd", &Judgement::value_sd,
              "Standard deviation of the value over the repeats; 0 where it is exact.")
      .def_ro("floor", &Judgement::floor, "The distance that as many exact draws have.")
      .def_ro("floor_sd", &Judgement::floor_sd,
              "Standard deviation of the floor over the repeats; 0 where none are drawn.")
      .def_ro("ratio", &Judgement::ratio, docs_of("ratio"))
      .def_prop_ro(
          "bandwidth", [](const Judgement& self) { return optional_object(self.bandwidth); },
          "Bandwidth of the kernel of MMD; None for other metrics.")
      .def_prop_ro(
          "spread",
          [](const Judgement& self) -> nb::object {
            if (!self.spread) return nb::none();
            return nb::make_tuple(self.spread->low, self.spread->high);
          },
          docs("RatioSpread"))
      .def("__repr__", [](const Judgement& self) {
        return concat("<Judgement ", self.quantity, ": ", self.value, ", floor ", self.floor, ", ratio ",
                      self.ratio, ">");
      });
  module.def(
      "judge",
      [](const nb::args& positional, const nb::kwargs& named) {
        return list_of_objects(judge_samples(positional, named));
      },
      nb::sig("def judge(x: typing.Any, law: typing.Any, metrics: str | typing.Sequence[str] = 'sw', *, p: "
              "int = 1, "
              "slices: int = 100, repeats: int = 5, seed: int = 0, spread: bool = False, bandwidth: float | "
              "None = "
              "None, device: str = 'cpu') -> list[Judgement]"),
      "Judges samples x (n, d) against a law: a Mixture, a Posterior, a problem or a target. `metrics` are "
      "names of "
      "`metric_names`. Each metric has one entry in the result, \"moments\" four: mean_error, "
      "covariance_error, "
      "whitened_mean_error, whitened_covariance_error. Exact draws have as many points as x and are "
      "independent of a run with "
      "the same seed. `p` is the order of Wasserstein distances, 1 or 2, `slices` their number of "
      "directions, and `repeats` the "
      "number of sets of exact draws. Raises ValueError for points of another dimension or not finite, and "
      "for metrics that the "
      "law does not have.");
  module.def(
      "metric_names",
      [] {
        nb::list names;
        for (const auto& [name, metric] : metric_names) names.append(name);
        return names;
      },
      "Names of the metrics of `judge` and `compare`.");
}

/// A sampler of Python as a candidate: f(problem, count, seed) returns samples (count, d).
CustomSampler custom_sampler(const Function& function, const std::string& name) {
  return [function, name](const AnyProblem& problem, const Options& options) {
    Points samples;
    bool is_done = false;
    function.call([&] { return nb::make_tuple(object_of(problem), options.count, options.seed); },
                  [&](const nb::object& result) {
                    samples = points_of(result, concat("sampler \"", name, "\": the result"), "(count, d)");
                    is_done = true;
                  });
    if (!is_done)
      throw Interrupted("interrupted", Samples(Samples::Buffer(Samples::Values<double>()), {0, 1}, {}, {}));
    return samples;
  };
}

Candidate candidate_of(const nb::object& method, const std::string& name, const std::string& place) {
  if (PyUnicode_Check(method.ptr()) && text_of(method, place) == "draw") return {name, ExactDraws{}};
  const bool is_sampler = PyUnicode_Check(method.ptr()) || VariantCast<AnySampler>::from(method);
  if (is_sampler) return {name, sampler_of(method, place)};
  if (PyCallable_Check(method.ptr()) == 0)
    fail_type(place, "a sampler, its text, \"draw\", or a function of (problem, count, seed)", method);
  return {name, custom_sampler(Function(method, place), name)};
}

/// The name of a sampler in the rows when none is given.
std::string name_of_method(const nb::object& method, const std::string& place) {
  if (PyUnicode_Check(method.ptr())) return text_of(method, place);
  if (VariantCast<AnySampler>::from(method)) return to_string(sampler_of(method, place));
  return id_of({}, method, place);
}

/// Names and objects of a dict, a list or one object. @param name_of name of an object in a list
template <class Name>
std::vector<std::pair<std::string, nb::object>> named_objects(const nb::object& given,
                                                              const std::string& place, Name name_of) {
  std::vector<std::pair<std::string, nb::object>> result;
  if (PyDict_Check(given.ptr())) {
    for (const auto& [key, value] : nb::borrow<nb::dict>(given))
      result.emplace_back(text_of(key, place), nb::borrow(value));
    return result;
  }
  for (const nb::object& object : listed(given)) result.emplace_back(name_of(object, result.size()), object);
  return result;
}

CompareSettings settings_of(const Arguments& given) {
  CompareSettings settings;
  const std::string of_problems = given.place("problems"), of_samplers = given.place("samplers");
  const auto problems = named_objects(given.need("problems"), of_problems,
                                      [](const nb::object&, std::size_t i) { return concat("problem ", i); });
  for (const auto& [name, object] : problems) {
    auto problem = find_problem(object);
    if (!problem) fail_type(of_problems, "a problem, a list or a dict of problems", object);
    settings.problems.push_back({name, std::move(*problem)});
  }
  const auto samplers = named_objects(
      given.need("samplers"), of_samplers,
      [&](const nb::object& object, std::size_t) { return name_of_method(object, of_samplers); });
  for (const auto& [name, object] : samplers)
    settings.candidates.push_back(candidate_of(object, name, of_samplers));
  const auto with = [&](const char* key, auto read) {
    if (const nb::object value = given.find(key); value.is_valid()) read(value, given.place(key));
  };
  Options& options = settings.options;
  settings.judging = judging_of(given);
  with("metrics", [&](auto value, auto place) { settings.metrics = metrics_of(value, place); });
  with("runs", [&](auto value, auto place) {
    settings.runs = static_cast<int>(integer_of(value, place, 1, std::numeric_limits<int>::max()));
  });
  with("count", [&](auto value, auto place) { options.count = integer_of(value, place); });
  with("seed", [&](auto value, auto place) { options.seed = seed_of(value, place); });
  with("device", [&](auto value, auto place) { options.device = device_of(value, place); });
  with("precision", [&](auto value, auto place) { options.precision = precision_of(value, place); });
  with("progress", [&](auto value, auto place) { options.progress = progress_of(value, place); });
  with("results", [&](auto value, auto place) { settings.results = path_of(value, place); });
  with("kept_samples", [&](auto value, auto place) { settings.kept_samples = integer_of(value, place, 0); });
  return settings;
}

nb::list compare_samplers(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("compare",
                        {"problems", "samplers", "metrics", "count", "runs", "seed", "p", "slices", "repeats",
                         "bandwidth", "device", "precision", "progress", "results", "kept_samples"},
                        3, positional, named);
  CompareSettings settings = settings_of(given);
  return list_of_objects(watched([&](const std::stop_token& stop) {
    settings.options.stop = stop;
    return compare(settings);
  }));
}

void bind_figures(nb::module_& module) {
  nb::class_<QuantityFigures> made(module, "QuantityFigures", docs("QuantityFigures"));
  def_state(made);
  made.def_prop_ro(
          "quantity", [](const QuantityFigures& self) { return self.quantity; },
          "Name of the quantity, such as \"sw_1\".")
      .def_ro("value", &QuantityFigures::value, "Mean of the distance.")
      .def_prop_ro(
          "standard_error", [](const QuantityFigures& self) { return optional_object(self.standard_error); },
          "Standard error of the mean; None for a single unit.")
      .def_ro("median", &QuantityFigures::median, "Median of the distance.")
      .def_ro("floor", &QuantityFigures::floor, "Mean of the floors, the distances of exact draws.")
      .def_ro("floor_sd", &QuantityFigures::floor_sd,
              "Standard deviation of the floor for one set of exact draws; 0 for sw_1.")
      .def_ro("ratio", &QuantityFigures::ratio,
              "Value by floor, of their means; near 1 the samples cannot be told from exact draws.")
      .def("__repr__", [](const QuantityFigures& self) {
        return concat("<QuantityFigures ", self.quantity, ": ", self.value, ", floor ", self.floor,
                      ", ratio ", self.ratio, ">");
      });
}

void bind_row(nb::module_& module) {
  const auto docs_of = [](const char* name) { return optional_docs(std::string("SamplerRow::") + name); };
  nb::class_<SamplerRow> made(module, "SamplerRow", docs("SamplerRow"));
  def_state(made);
  made.def_prop_ro(
          "sampler", [](const SamplerRow& self) { return self.sampler; }, "Name of the sampler.")
      .def_prop_ro(
          "error",
          [](const SamplerRow& self) -> nb::object {
            return self.error ? nb::object(nb::str(self.error->c_str())) : nb::object(nb::none());
          },
          docs_of("error"))
      .def_prop_ro(
          "quantities", [](const SamplerRow& self) { return list_of_objects(self.quantities); },
          docs_of("quantities"))
      .def_prop_ro(
          "log_evidence_error",
          [](const SamplerRow& self) { return optional_object(self.log_evidence_error); },
          "Log of the mean evidence of the chains of SMC, less the exact one; None for other samplers.")
      .def_prop_ro(
          "log_evidence_sd", [](const SamplerRow& self) { return optional_object(self.log_evidence_sd); },
          docs_of("log_evidence_sd"))
      .def_prop_ro(
          "ess", [](const SamplerRow& self) { return optional_object(self.ess); }, docs_of("ess"))
      .def_prop_ro(
          "smallest_ess", [](const SamplerRow& self) { return optional_object(self.smallest_ess); },
          docs_of("smallest_ess"))
      .def_prop_ro(
          "evaluations", [](const SamplerRow& self) { return optional_object(self.evaluations); },
          docs_of("evaluations"))
      .def_prop_ro(
          "ess_per_second", [](const SamplerRow& self) { return optional_object(self.ess_per_second); },
          docs_of("ess_per_second"))
      .def_ro("seconds", &SamplerRow::seconds, docs_of("seconds"))
      .def_ro("problems", &SamplerRow::problems, docs_of("problems"))
      .def_ro("runs", &SamplerRow::runs, docs_of("runs"))
      .def_ro("diverged", &SamplerRow::diverged, docs_of("diverged"))
      .def_ro("reused", &SamplerRow::reused, docs_of("reused"))
      .def_prop_ro(
          "warnings", [](const SamplerRow& self) { return list_of_objects(self.warnings); },
          docs_of("warnings"))
      .def_prop_ro(
          "samples", [](const SamplerRow& self) { return array(self.samples); }, docs_of("samples"))
      .def("__repr__", [](const SamplerRow& self) {
        return concat("<SamplerRow ", self.sampler,
                      self.error ? ": failed>" : concat(": ", self.runs, " runs>"));
      });
}

}  // namespace

void bind_study(nb::module_& module) {
  bind_judgement(module);
  bind_figures(module);
  bind_row(module);
  module.def(
      "compare_rows", &compare_samplers,
      nb::sig(
          "def compare_rows(problems: typing.Any, samplers: typing.Any, metrics: str | typing.Sequence[str] "
          "= "
          "'sw', *, count: int = 1000, runs: int = 1, seed: int = 0, p: int = 1, slices: int = 100, repeats: "
          "int = 5, bandwidth: float | None = None, device: str = 'best', precision: typing.Any = 'f32', "
          "progress: typing.Callable | None = None, results: typing.Any = None, kept_samples: int = 0) -> "
          "list[SamplerRow]"),
      docs("compare"));
}

}  // namespace gmdiff::python
