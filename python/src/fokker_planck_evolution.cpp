#include <numeric>

#include "errors.hpp"
#include "fokker_planck.hpp"
#include "fokker_planck_states.hpp"
#include "models.hpp"
#include "records.hpp"
#include "released.hpp"
#include "study/density_evolution.hpp"
#include "study/law.hpp"

// The density of a Langevin diffusion at chosen times, as the verb fokker-planck of the command computes it.

namespace gmdiff::python {

template <>
struct StateOf<study::DensityRow> {
  static constexpr AllMembers members{&study::DensityRow::time,      &study::DensityRow::P,
                                      &study::DensityRow::moments,   &study::DensityRow::entropy,
                                      &study::DensityRow::edge_mass, &study::DensityRow::relative_entropy,
                                      &study::DensityRow::fisher};
};
template <>
struct StateOf<study::DensityEvolution> {
  static constexpr AllMembers members{&study::DensityEvolution::grid, &study::DensityEvolution::rows,
                                      &study::DensityEvolution::gap, &study::DensityEvolution::warnings};
};
namespace {

using Eigen::Index;
using Evolution = study::DensityEvolution;

/// Law, start and grid of the function's arguments.
struct Question {
  study::StationaryLaw law;
  std::optional<Mixture> start;
  DensityDescription density;
};

struct ProblemQuestion {
  const Arguments& given;
  bool prior;

  Question operator()(const Problem& problem) const {
    return {study::law_of(problem, prior).mixture, problem.start, problem.density};
  }
  Question operator()(const TargetProblem& problem) const {
    require(!prior, given.place("prior"), " has no meaning for a target");
    return {problem.target, problem.start, problem.density};
  }
  Question operator()(const NonlinearProblem& problem) const {
    if (prior) return (*this)(gmdiff::prior_of(problem));
    return {gmdiff::target_of(problem), problem.start, problem.density};
  }
  Question operator()(const DynamicsProblem& /*problem*/) const {
    fail(given.place("law"), ": has dynamics, which have no stationary law here; see FokkerPlanck.from_sde");
  }
};

Question question_of(const Arguments& given) {
  const nb::object law = given.need("law"), prior = given.find("prior");
  const bool of_prior = prior.is_valid() && truth_of(prior, given.place("prior"));
  if (const auto problem = find_problem(law)) return std::visit(ProblemQuestion{given, of_prior}, *problem);
  require(!of_prior, given.place("prior"), " belongs to a problem, and law is none");
  if (const auto target = find_target(law)) return {*target, {}, {}};
  if (!is_mixture(law)) fail_type(given.place("law"), "a Mixture, a target or a problem", law);
  return {mixture_of(law, "law"), {}, {}};
}

Mixture standard_normal(Index dim) { return {{1.0}, Points::Zero(1, dim), Covariance::spherical({1.0})}; }

void read_density(const Arguments& given, DensityDescription& density) {
  with_argument(given, "times",
                [&](const auto& value, const auto& place) { density.times = list_of(value, place, "(M)"); });
  with_argument(given, "lower",
                [&](const auto& value, const auto& place) { density.lower = side_of(value, place); });
  with_argument(given, "upper",
                [&](const auto& value, const auto& place) { density.upper = side_of(value, place); });
  with_argument(given, "cells", [&](const nb::object& value, const std::string& place) {
    density.cells.clear();
    const auto add = [&](nb::handle count) {
      density.cells.push_back(static_cast<int>(integer_of(count, place, 2, CellGrid::max_size)));
    };
    if (!PySequence_Check(value.ptr()) || PyUnicode_Check(value.ptr())) return add(value);
    for (const nb::handle count : nb::borrow<nb::sequence>(value)) add(count);
  });
}

Evolution evolve_density(const nb::args& positional, const nb::kwargs& named) {
  const Arguments given("fokker_planck",
                        {"law", "start", "times", "lower", "upper", "cells", "speed", "boundary", "prior"}, 3,
                        positional, named);
  Question question = question_of(given);
  with_argument(given, "start",
                [&](const auto& value, const auto& place) { question.start = mixture_of(value, place); });
  read_density(given, question.density);
  study::DensityOptions options{.boundary = boundary_of(given)};
  with_argument(given, "speed",
                [&](const auto& value, const auto& place) { options.speed = number_of(value, place); });
  const Index dim = std::visit([](const auto& law) { return Index{law.dim()}; }, question.law);
  const Mixture start = question.start ? *question.start : standard_normal(dim);
  Evolution evolution = released([&] { return evolve(question.density, question.law, start, options); });
  for (const std::string& text : evolution.warnings) {
    if (PyErr_WarnEx(run_warning().ptr(), text.c_str(), 1) != 0) throw nb::python_error();
  }
  return evolution;
}

/// The values f(row) of all times as an array of shape (M, ...).
template <class F>
nb::object of_rows(const Evolution& self, std::vector<std::size_t> shape, F f) {
  std::vector<double> values;
  values.reserve(self.rows.size() *
                 std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()));
  for (const study::DensityRow& row : self.rows) {
    const Eigen::VectorXd more = f(row);
    values.insert(values.end(), more.begin(), more.end());
  }
  shape.insert(shape.begin(), self.rows.size());
  return array(std::move(values), shape);
}

Eigen::VectorXd one(double value) { return Eigen::VectorXd::Constant(1, value); }

/// Numbers of all times; None with absorbing walls.
template <class Member>
nb::object optional_rows(const Evolution& self, Member member) {
  if (!(self.rows.front().*member).has_value()) return nb::none();
  return of_rows(self, {}, [&](const study::DensityRow& row) { return one(*(row.*member)); });
}

nb::object density_of(const Evolution& self) {
  std::vector<std::size_t> shape;
  for (Index axis = 0; axis < self.grid.dim(); ++axis)
    shape.push_back(static_cast<std::size_t>(self.grid.cells(axis)));
  return of_rows(self, shape,
                 [&](const study::DensityRow& row) -> Eigen::VectorXd { return row.P / self.grid.volume(); });
}

}  // namespace

void bind_evolution(nb::module_& module) {
  using Row = study::DensityRow;
  nb::class_<Evolution> made(
      module, "DensityEvolution",
      "The density of a Langevin diffusion at M times on the cells of a grid. KL and Fisher information "
      "are relative to the stationary law.");
  def_state(made);
  made.def_prop_ro("grid", [](const Evolution& self) { return self.grid; })
      .def_prop_ro(
          "times",
          [](const Evolution& self) {
            return of_rows(self, {}, [](const Row& row) { return one(row.time); });
          },
          "(M)")
      .def_prop_ro("density", &density_of, "Mass of a cell over its volume, shape (M, n) or (M, n1, n2).")
      .def_prop_ro(
          "mass",
          [](const Evolution& self) {
            return of_rows(self, {}, [](const Row& row) { return one(row.moments.mass); });
          },
          "Sum of the masses (M).")
      .def_prop_ro(
          "mean",
          [](const Evolution& self) {
            return of_rows(self, {static_cast<std::size_t>(self.grid.dim())},
                           [](const Row& row) { return row.moments.mean; });
          },
          "(M, d)")
      .def_prop_ro(
          "covariance",
          [](const Evolution& self) {
            const auto d = static_cast<std::size_t>(self.grid.dim());
            return of_rows(self, {d, d}, [](const Row& row) -> Eigen::VectorXd {
              return row.moments.covariance.reshaped();
            });
          },
          "(M, d, d)")
      .def_prop_ro(
          "entropy",
          [](const Evolution& self) {
            return of_rows(self, {}, [](const Row& row) { return one(row.entropy); });
          },
          "(M)")
      .def_prop_ro(
          "edge_mass",
          [](const Evolution& self) {
            return of_rows(self, {}, [](const Row& row) { return one(row.edge_mass); });
          },
          "Mass in the cells at the walls (M).")
      .def_prop_ro(
          "kl", [](const Evolution& self) { return optional_rows(self, &Row::relative_entropy); },
          "KL to the stationary law (M); None with absorbing walls.")
      .def_prop_ro(
          "fisher", [](const Evolution& self) { return optional_rows(self, &Row::fisher); },
          "Fisher information relative to the stationary law (M); None with absorbing walls.")
      .def_prop_ro(
          "gap",
          [](const Evolution& self) -> nb::object {
            return self.gap ? nb::object(nb::float_(*self.gap)) : nb::none();
          },
          "Smallest decay rate: KL falls like exp(-2 gap t) in the end. With absorbing walls the rate at "
          "which mass "
          "leaves the box. None, with a warning, if it was not found.")
      .def_prop_ro("warnings", [](const Evolution& self) { return list_from(self.warnings); })
      .def("__repr__", [](const Evolution& self) {
        return concat("<DensityEvolution at ", self.rows.size(), " times on ", self.grid.size(), " cells>");
      });
  module.def("fokker_planck", &evolve_density,
             nb::sig("def fokker_planck(law: typing.Any, start: Mixture | None = None, times: typing.Any = "
                     "None, *, lower: "
                     "typing.Any = None, upper: typing.Any = None, cells: typing.Any = None, speed: float = "
                     "1.0, boundary: "
                     "str = 'reflecting', prior: bool = False) -> DensityEvolution"),
             "The density of the Langevin diffusion dX = (speed / 2) grad l dt + sqrt(speed) dW of a law at "
             "chosen times, "
             "on a grid in one or two dimensions. law: a Mixture, a target or a problem. start: the law at "
             "time 0, by "
             "default that of the problem, or N(0, I). times: by default 0, 0.5, 1, 2, 5, 10. lower, upper: "
             "the box, by "
             "default 8 standard deviations around the means of start and law. cells: by default 400, or 150 "
             "x 150. The "
             "warnings are given to Python's `warnings`, too.");
}

}  // namespace gmdiff::python
