#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include <gmdiff/device/samples.hpp>
#include <gmdiff/model/posterior.hpp>
#include <gmdiff/model/process.hpp>
#include <gmdiff/model/target.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "numbers.hpp"
#include "plans.hpp"
#include "released.hpp"
#include "report/compare_picture.hpp"
#include "report/pictures.hpp"
#include "shown_law.hpp"
#include "states.hpp"
#include "study/results_file.hpp"

// Pictures of the report room, and how mixtures and samples show themselves in a notebook.

namespace gmdiff::python {
namespace {

using report::Picture;

/// Points beyond this number do not change a histogram that anybody sees.
constexpr std::int64_t most_points = 100'000;
constexpr std::int64_t most_levels = 300;
/// A larger law takes more than a moment to show, so a notebook shows
/// its text.
constexpr Eigen::Index most_shown_components = 2000, most_shown_dim = 512;

constexpr const char* law_signature =
    "observation: typing.Any = None, prior: bool = False, level: typing.Any = None, coordinates: "
    "typing.Sequence[int] | None = None, width: float = 560.0";

std::string time_name(double t) { return "t = " + report::number_label(t); }

/// The levels of the times that are given; with a process alone from data to noise, otherwise the data.
std::vector<report::NamedLevel> levels_of(const Arguments& given) {
  constexpr int usual_levels = 4;
  constexpr std::size_t most_times = 7;
  const nb::object times = given.find("times");
  if (!times.is_valid() && !given.find("process").is_valid()) return {{"data", {}}};
  const ForwardProcess process = process_in(given);
  std::vector<double> list;
  if (times.is_valid()) {
    list = list_of(times, given.place("times"));
    require(!list.empty() && list.size() <= most_times, given.place("times"), ": expected 1 to ", most_times,
            " times, given ", list.size());
  } else {
    for (int i = 0; i < usual_levels; ++i) list.push_back(process.T() * i / (usual_levels - 1));
  }
  std::vector<report::NamedLevel> levels;
  levels.reserve(list.size());
  for (const double t : list) levels.push_back({time_name(t), process.level(t)});
  return levels;
}

Picture density_picture(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("density_picture", with_law_keys({"law", "process", "times"}), 3, positional, named);
  const NamedLaw law = leveled_law(given);
  const report::ViewedLaw viewed = viewed_mixture(given, law, view_of(given, law.dim()));
  const std::vector<report::NamedLevel> levels = levels_of(given);
  return released([&, width = width_of(given)] { return report::density_picture(viewed, levels, width); });
}

/// An array of the values, with its shape.
nb::object values_of(const Arguments& given) {
  return nb::module_::import_("numpy").attr("asarray")(given.need("x"));
}

std::size_t rank_of(const nb::object& values) { return nb::len(nb::object(values.attr("shape"))); }

std::int64_t size_of(const nb::object& values, int axis) {
  return nb::cast<std::int64_t>(nb::object(values.attr("shape")[axis]));
}

/// Every n-th entry along the first axis, at most `most` of them.
nb::object spaced(const nb::object& values, std::int64_t total, std::int64_t most) {
  const std::int64_t step = (total + most - 1) / most;
  return values[nb::slice(nb::none(), nb::none(), nb::int_(std::max<std::int64_t>(step, 1)))];
}

void check_dim(const Arguments& given, Eigen::Index points, Eigen::Index law) {
  require(points == law, given.place("x"), ": its points have dimension ", points, ", those of the law ",
          law);
}

report::SampledPoints sampled_points(const Arguments& given, const report::View& view) {
  const nb::object values = values_of(given);
  const Numbers all_of_shape =
      numbers_of(spaced(values, std::max<std::int64_t>(size_of(values, 0), 1), most_points), given.place("x"),
                 "(n, d)", {1, 2});
  const std::int64_t total = size_of(values, 0);
  require(total >= 1, given.place("x"), ": expected points, given none");
  check_dim(given, all_of_shape.rows().cols(), view.directions.cols());
  return {report::in_view(view, all_of_shape.rows()), total, report::count_label(total) + " samples"};
}

const std::vector<std::string>& samples_keys() {
  static const std::vector<std::string> keys = with_law_keys({"x", "law"});
  return keys;
}

Picture samples_picture(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given = with_origin("samples_picture", samples_keys(), 2, positional, named);
  const NamedLaw law = leveled_law(given);
  const double width = width_of(given);
  const report::SampledPoints points = sampled_points(given, view_of(given, law.dim()));
  if (const auto* target = std::get_if<Target>(&law.law)) {
    require(!given.find("coordinates").is_valid(), given.place("coordinates"),
            ": the picture of a law that is no mixture shows all coordinates");
    return released(
        [&] { return report::samples_picture(report::viewed(law.name, *target), points, width); });
  }
  const report::ViewedLaw viewed = viewed_mixture(given, law, view_of(given, law.dim()));
  return released([&] { return report::samples_picture(viewed, points, width); });
}

/// Times of the levels of paths: those of the samples, or the argument.
std::vector<double> times_of(const Arguments& given, std::int64_t levels) {
  nb::object times = given.find("times");
  const nb::object x = given.need("x");
  if (!times.is_valid() && nb::isinstance<Samples>(x)) times = x.attr("times");
  if (!times.is_valid()) times = given.need("times");
  std::vector<double> list = list_of(times, given.place("times"), "(M)");
  require(std::cmp_equal(list.size(), levels), given.place("times"), ": expected ", levels,
          " of them, one for each level of x, given ", list.size());
  return list;
}

report::SampledPaths sampled_paths(const Arguments& given, const report::View& view,
                                   const ForwardProcess& process) {
  constexpr std::int64_t usual_paths = 40, most_paths = 1000;
  const nb::object values = values_of(given), count = given.find("paths");
  require(rank_of(values) == 3, given.place("x"), ": expected paths of shape (n, M, d), given shape ",
          nb::str(nb::object(values.attr("shape"))).c_str());
  const std::int64_t total = size_of(values, 0), levels = size_of(values, 1);
  require(total >= 1, given.place("x"), ": expected paths, given none");
  check_dim(given, size_of(values, 2), view.directions.cols());
  const std::vector<double> times = times_of(given, levels);
  report::SampledPaths paths{.times = {},
                             .levels = {},
                             .paths = {},
                             .total = total,
                             .name = report::count_label(total) + (total == 1 ? " path" : " paths")};
  std::vector<std::int64_t> chosen;
  const std::int64_t step = (levels + most_levels - 1) / most_levels;
  for (std::int64_t m = 0; m < levels; m += step) {
    // The level of the data has no finite time on some grids.
    const double t = times[static_cast<std::size_t>(m)];
    if (!std::isfinite(t)) continue;
    chosen.push_back(m);
    paths.times.push_back(t);
    paths.levels.push_back(process.level(t));
  }
  require(chosen.size() >= 2, given.place("x"), ": paths need two levels with finite times");
  const nb::object shown = spaced(
      values, total, count.is_valid() ? integer_of(count, given.place("paths"), 1, most_paths) : usual_paths);
  for (const nb::handle path : nb::iter(shown)) {
    const Points states = points_of(path, given.place("x"));
    paths.paths.push_back(report::in_view(view, states(chosen, Eigen::all)));
  }
  return paths;
}

Picture paths_picture(const nb::args& positional, const nb::kwargs& named) {
  static const std::vector<std::string> keys = with_law_keys({"x", "law", "process", "times", "paths"});
  const Arguments given = with_origin("paths_picture", keys, 5, positional, named);
  const NamedLaw law = leveled_law(given);
  const report::View view = view_of(given, law.dim());
  const report::ViewedLaw viewed = viewed_mixture(given, law, view);
  const report::SampledPaths paths = sampled_paths(given, view, process_in(given));
  return released([&, width = width_of(given)] { return report::paths_picture(viewed, paths, width); });
}

Picture field_picture(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("field_picture", with_law_keys({"law", "process", "time"}), 3, positional, named);
  const NamedLaw law = leveled_law(given);
  const report::ViewedLaw viewed = viewed_mixture(given, law, view_of(given, law.dim()));
  require(!viewed.is_curve(), given.place("law"), ": a field needs two coordinates, the picture has one");
  const ForwardProcess process = process_in(given);
  const nb::object time = given.find("time");
  const double t = time.is_valid() ? number_of(time, given.place("time")) : 0.5 * process.T();
  return released([&, width = width_of(given)] { return report::field_picture(viewed, process, t, width); });
}

Picture comparison_picture(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("comparison_picture", {"results", "quantity", "cost", "width"}, 1, positional, named);
  const std::string file = path_of(given.need("results"), given.place("results"));
  const std::vector<ComparisonRecord> records = study::read_results(file);
  const std::vector<std::string> quantities = report::quantities_of(records);
  require(!quantities.empty(), given.place("results"), ": ", file, " holds no figures");
  const nb::object quantity = given.find("quantity"), cost = given.find("cost");
  const std::size_t shown =
      quantity.is_valid() ? choice_of(quantity, given.place("quantity"), quantities) : std::size_t{0};
  const bool is_time =
      cost.is_valid() && choice_of(cost, given.place("cost"), {"evaluations", "seconds"}) == 1;
  return report::compare_picture(records, quantities[shown],
                                 is_time ? report::Cost::seconds : report::Cost::evaluations,
                                 width_of(given));
}

// ----- notebooks

/// The picture's text; None where the object cannot be shown, so that a notebook shows its text.
template <class Make>
nb::object svg_or_none(Make make) {
  try {
    return nb::str(make().svg.c_str());
  } catch (const std::logic_error&) {
    return nb::none();
  } catch (const nb::builtin_exception&) {
    return nb::none();
  }
}

nb::kwargs no_names() { return nb::borrow<nb::kwargs>(nb::dict()); }

nb::object svg_of_law(const nb::object& law) {
  return svg_or_none([&] {
    const NamedLaw shown =
        named_law(Arguments("law", {"law"}, 1, nb::borrow<nb::args>(nb::make_tuple(law)), no_names()));
    const auto* mixture = std::get_if<Mixture>(&shown.law);
    require(mixture != nullptr && mixture->num_components() <= most_shown_components &&
                mixture->dim() <= most_shown_dim,
            "the law has no picture");
    const report::ViewedLaw viewed =
        report::in_view(report::usual_view(mixture->dim()), shown.name, *mixture);
    return released([&] { return report::density_picture(viewed, {{"data", {}}}, usual_picture_width); });
  });
}

nb::object svg_of_samples(const nb::object& samples) {
  const nb::tuple arguments = nb::make_tuple(samples);
  const auto rank = rank_of(samples);
  const bool has_levels = !nb::cast<const Samples&>(samples).times().empty();
  return svg_or_none([&] {
    const Arguments given =
        with_origin("samples_picture", samples_keys(), 1, nb::borrow<nb::args>(arguments), no_names());
    const NamedLaw law = named_law(given);
    const auto* mixture = std::get_if<Mixture>(&law.law);
    require(mixture == nullptr ||
                (mixture->num_components() <= most_shown_components && mixture->dim() <= most_shown_dim),
            "the law has no picture");
    return has_levels && rank == 3 ? paths_picture(nb::borrow<nb::args>(arguments), no_names())
                                   : samples_picture(nb::borrow<nb::args>(arguments), no_names());
  });
}

void save(const Picture& picture, nb::handle file, nb::handle overwrite) {
  const std::string path = path_of(file, "Picture.save: file");
  const char* const mode = truth_of(overwrite, "Picture.save: overwrite") ? "w" : "x";
  const nb::object out =
      nb::module_::import_("builtins").attr("open")(path, mode, nb::arg("encoding") = "utf-8");
  out.attr("write")(report::svg_file(picture));
  out.attr("close")();
}

void bind_class(nb::module_& module) {
  nb::class_<Picture> made(
      module, "Picture",
      "A finished picture as SVG, which a notebook shows. It needs no other file, and is light or dark "
      "as the reader's system.");
  def_state(
      made,
      [](const Picture& self) {
        return nb::make_tuple(to_state(self.svg), self.width, self.height, to_state(self.title),
                              to_state(self.notes));
      },
      [](nb::handle state) {
        const auto parts = nb::cast<nb::tuple>(state);
        Picture picture;
        picture.svg = from_state<std::string>(nb::object(parts[0]));
        picture.width = nb::cast<double>(parts[1]);
        picture.height = nb::cast<double>(parts[2]);
        picture.title = from_state<std::string>(nb::object(parts[3]));
        picture.notes = from_state<std::vector<std::string>>(nb::object(parts[4]));
        return picture;
      });
  made.def_prop_ro(
          "svg", [](const Picture& self) { return self.svg; }, "The element `svg` as a text.")
      .def_ro("width", &Picture::width, "Width in pixels.")
      .def_ro("height", &Picture::height, "Height in pixels.")
      .def_prop_ro(
          "title", [](const Picture& self) { return self.title; }, "The title, as the picture shows it.")
      .def_prop_ro(
          "notes",
          [](const Picture& self) {
            nb::list notes;
            for (const std::string& note : self.notes) notes.append(note);
            return notes;
          },
          "What the picture leaves out, such as points beyond the first thousands, as its last lines say.")
      .def("save", &save, any_arg("file"), any_arg("overwrite") = false,
           "Writes the picture as an SVG file. An existing file is an error (FileExistsError) unless "
           "`overwrite`.")
      .def("_repr_svg_", [](const Picture& self) { return self.svg; })
      .def("__repr__", [](const Picture& self) {
        return concat("<Picture \"", self.title, "\", ", std::lround(self.width), " x ",
                      std::lround(self.height), " pixels>");
      });
}

const char* signature_of(const char* name, const std::string& arguments) {
  return keep(concat("def ", name, "(", arguments, ") -> Picture"));
}

void bind_functions(nb::module_& module) {
  const std::string law = concat(", *, ", law_signature);
  module.def(
      "density_picture", &density_picture,
      nb::sig(signature_of("density_picture", concat("law: typing.Any, process: typing.Any = None, times: "
                                                     "typing.Any = None",
                                                     law))),
      "The density of a mixture, of a problem's posterior, or of its prior with `prior`. With a process the "
      "picture "
      "shows it at up to 7 `times` of the diffusion, by default at 4 from data to noise. `coordinates` are "
      "one or "
      "two, by default the first two; `width` is in pixels, from 240 to 4000. In 2-D the regions hold 20 % "
      "to 99 % "
      "of the mass and are the smallest that do. Raises ValueError for a law that is no mixture.");
  module.def(
      "samples_picture", &samples_picture,
      nb::sig(signature_of("samples_picture", concat("x: typing.Any, law: typing.Any = None", law))),
      "Points x (n, d) over the exact density of their law, with histograms beside its marginal densities. "
      "Results "
      "of `sample` and `draw` know their law; for other points it is the argument `law`: a mixture (with "
      "`observation` its posterior), a problem or a target of dimension 1 or 2. At most 2000 points are "
      "drawn as "
      "dots, and at most 100,000 are read; the notes of the picture say so.");
  module.def(
      "paths_picture", &paths_picture,
      nb::sig(signature_of("paths_picture",
                           concat("x: typing.Any, law: typing.Any = None, process: typing.Any = None, times: "
                                  "typing.Any = None, paths: int = 40",
                                  law))),
      "Paths x (n, M, d) through the kept levels of a run: in 1-D values over time above the density of the "
      "diffused "
      "law, in 2-D paths in the plane above the density at the level with the least noise. Results with "
      "`history` "
      "know law, process and times (M). At most `paths` of them are shown, 1 to 1000.");
  module.def("field_picture", &field_picture,
             nb::sig(signature_of(
                 "field_picture",
                 concat("law: typing.Any, process: typing.Any = None, time: float | None = None", law))),
             "The velocity of the probability flow at a time, by default T / 2, towards the data, over the "
             "density of the "
             "diffused law. The picture shows two coordinates. A problem has its own process.");
  module.def(
      "comparison_picture", &comparison_picture,
      nb::sig(signature_of("comparison_picture",
                           "results: typing.Any, *, quantity: str | None = None, cost: str = "
                           "'evaluations', width: float = 560.0")),
      "What each sampler of a comparison reaches for what it costs: the distance over denoiser evaluations "
      "or "
      "seconds, with the range over problems and seeds, and the floor of exact draws. `results` is the file "
      "that "
      "`compare` wrote (its argument `results`); `quantity` is one of its distances, by default the first.");
}

template <class T>
void def_law_svg() {
  nb::borrow<nb::class_<T>>(nb::type<T>()).def("_repr_svg_", [](const nb::object& self) {
    return svg_of_law(self);
  });
}

}  // namespace

void bind_pictures(nb::module_& module) {
  bind_class(module);
  bind_functions(module);
  def_law_svg<Mixture>();
  def_law_svg<Posterior>();
  def_law_svg<Problem>();
  nb::borrow<nb::class_<Samples>>(nb::type<Samples>()).def("_repr_svg_", &svg_of_samples);
}

}  // namespace gmdiff::python
