#include <gmdiff/model/mixture.hpp>

#include <gmdiff/model/posterior.hpp>

#include <sstream>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "io/mixture_json.hpp"
#include "models.hpp"
#include "released.hpp"
#include "states.hpp"

// Levels, covariances and mixtures.

namespace gmdiff::python {

template <>
struct StateOf<Covariance> {
  static constexpr AllMembers members{&Covariance::type, &Covariance::form, &Covariance::rows,
                                      &Covariance::matrices, &Covariance::relative_precision};
};

Mixture mixture_of(nb::handle object, const std::string& place) {
  if (nb::isinstance<Posterior>(object)) return nb::cast<const Posterior&>(object).mixture;
  return instance_of<Mixture>(object, place, "a Mixture");
}

bool is_mixture(nb::handle object) {
  return nb::isinstance<Mixture>(object) || nb::isinstance<Posterior>(object);
}

Points points_in(nb::handle object, const std::string& place, Eigen::Index d) {
  const Numbers given = numbers_of(object, place, concat("(n, ", d, ")"), {1, 2});
  const auto rows = given.rows();
  const bool is_list = given.shape.size() == 1;
  require(rows.cols() == d, place, ": expected points of shape (n, ", d, "), given shape (", rows.rows(),
          is_list ? ",)" : concat(", ", rows.cols(), ")"));
  return rows;
}

namespace {

void bind_level(nb::module_& module) {
  nb::class_<Level>(module, "Level", docs("Level"))
      .def(
          "__init__",
          [](Level* self, const nb::args& positional, const nb::kwargs& named) {
            const Arguments given("Level", {"alpha", "sigma"}, 2, positional, named);
            new (self) Level{};
            if (const nb::object alpha = given.find("alpha"); alpha.is_valid())
              self->alpha = number_of(alpha, given.place("alpha"));
            if (const nb::object sigma = given.find("sigma"); sigma.is_valid())
              self->sigma = number_of(sigma, given.place("sigma"));
          },
          nb::sig("def __init__(self, alpha: float = 1.0, sigma: float = 0.0) -> None"))
      .def_ro("alpha", &Level::alpha, "Factor of the signal, >= 0.")
      .def_ro("sigma", &Level::sigma, "Standard deviation of the noise, >= 0.")
      .def(
          "__eq__",
          [](const Level& self, nb::handle other) {
            if (!nb::isinstance<Level>(other)) return false;
            const auto& level = nb::cast<const Level&>(other);
            return level.alpha == self.alpha && level.sigma == self.sigma;
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__", [](const Level& self) { return nb::hash(nb::make_tuple(self.alpha, self.sigma)); })
      .def("__iter__", [](const Level& self) { return nb::iter(nb::make_tuple(self.alpha, self.sigma)); })
      .def("__reduce__",
           [](const Level& self) {
             return nb::make_tuple(nb::type<Level>(), nb::make_tuple(self.alpha, self.sigma));
           })
      .def("__repr__", [](const Level& self) {
        return nb::str(concat("Level(alpha=", nb::repr(nb::float_(self.alpha)).c_str(),
                              ", sigma=", nb::repr(nb::float_(self.sigma)).c_str(), ")")
                           .c_str());
      });
}

/// The argument of a covariance that has one array.
template <class Read>
auto read_one(const char* function, const char* key, nb::handle value, Read read) {
  return read(value, concat("Covariance.", function, ": ", key));
}

void bind_covariance(nb::module_& module) {
  const auto docs_of = [](const char* name) { return docs(std::string("Covariance::") + name); };
  nb::class_<Covariance> made(module, "Covariance", docs("Covariance"));
  def_state(made);
  made.def_static(
          "spherical",
          [](nb::handle variances) {
            return read_one("spherical", "variances", variances, [](auto value, auto place) {
              return Covariance::spherical(list_of(value, place, "(K)"));
            });
          },
          any_arg("variances"), docs_of("spherical"))
      .def_static(
          "diag",
          [](nb::handle variances) {
            return read_one("diag", "variances", variances, [](auto value, auto place) {
              return Covariance::diag(numbers_of(value, place, "(K, d)", {2}).rows());
            });
          },
          any_arg("variances"), docs_of("diag"))
      .def_static(
          "tied",
          [](nb::handle covariance) {
            double precision = 0.0;
            Covariance result =
                Covariance::tied(matrix_of(covariance, "Covariance.tied: covariance", "(d, d)", &precision));
            result.relative_precision = precision;
            return result;
          },
          any_arg("covariance"), docs_of("tied"))
      .def_static(
          "full",
          [](nb::handle covariances) {
            double precision = 0.0;
            Covariance result =
                Covariance::full(matrices_of(covariances, "Covariance.full: covariances", &precision));
            result.relative_precision = precision;
            return result;
          },
          any_arg("covariances"), docs_of("full"))
      .def_static(
          "tied_eigen",
          [](nb::handle basis, nb::handle eigenvalues) {
            double precision = 0.0;
            Eigen::MatrixXd U = matrix_of(basis, "Covariance.tied_eigen: basis", "(d, d)", &precision);
            Covariance result = Covariance::tied_eigen(
                std::move(U), vector_of(eigenvalues, "Covariance.tied_eigen: eigenvalues", "(d)"));
            result.relative_precision = precision;
            return result;
          },
          any_arg("basis"), any_arg("eigenvalues"), docs_of("tied_eigen"))
      .def_static(
          "full_eigen",
          [](nb::handle bases, nb::handle eigenvalues) {
            double precision = 0.0;
            auto U = matrices_of(bases, "Covariance.full_eigen: bases", &precision);
            Covariance result = Covariance::full_eigen(
                std::move(U),
                numbers_of(eigenvalues, "Covariance.full_eigen: eigenvalues", "(K, d)", {2}).rows());
            result.relative_precision = precision;
            return result;
          },
          any_arg("bases"), any_arg("eigenvalues"), docs_of("full_eigen"))
      .def_static(
          "common_basis",
          [](nb::handle basis, nb::handle eigenvalues) {
            double precision = 0.0;
            Eigen::MatrixXd U = matrix_of(basis, "Covariance.common_basis: basis", "(d, d)", &precision);
            Covariance result = Covariance::common_basis(
                std::move(U),
                numbers_of(eigenvalues, "Covariance.common_basis: eigenvalues", "(K, d)", {2}).rows());
            result.relative_precision = precision;
            return result;
          },
          any_arg("basis"), any_arg("eigenvalues"), docs_of("common_basis"))
      .def_static(
          "tied_cholesky",
          [](nb::handle factor) {
            return Covariance::tied_cholesky(matrix_of(factor, "Covariance.tied_cholesky: factor", "(d, d)"));
          },
          any_arg("factor"), docs_of("tied_cholesky"))
      .def_static(
          "full_cholesky",
          [](nb::handle factors) {
            return Covariance::full_cholesky(matrices_of(factors, "Covariance.full_cholesky: factors"));
          },
          any_arg("factors"), docs_of("full_cholesky"))
      .def_prop_ro(
          "type", [](const Covariance& self) { return to_string(self.type); },
          "The structure: \"spherical\", \"diag\", \"tied\" or \"full\".")
      .def("__repr__",
           [](const Covariance& self) { return concat("<Covariance ", to_string(self.type), ">"); });
}

Mixture make_mixture(const Arguments& given, bool from_log_weights) {
  const char* weights = from_log_weights ? "log_weights" : "weights";
  Points means = numbers_of(given.need("means"), given.place("means"), "(K, d)", {2}).rows();
  const nb::object covariance = given.need("covariance");
  if (!nb::isinstance<Covariance>(covariance))
    fail_type(given.place("covariance"), "a Covariance, such as Covariance.full(S)", covariance);
  const auto& description = nb::cast<const Covariance&>(covariance);
  if (from_log_weights) {
    return Mixture::from_log_weights(vector_of(given.need(weights), given.place(weights), "(K)"),
                                     std::move(means), description);
  }
  return Mixture(list_of(given.need(weights), given.place(weights), "(K)"), std::move(means), description);
}

/// The mixture of a fitted GaussianMixture of scikit-learn.
Mixture from_sklearn(nb::handle fitted) {
  const std::string place = "Mixture.from_sklearn: fitted";
  for (const char* name : {"weights_", "means_", "covariances_", "covariance_type"}) {
    if (!nb::hasattr(fitted, name)) fail_type(place, "a fitted GaussianMixture of scikit-learn", fitted);
  }
  const nb::object given = fitted.attr("covariances_");
  const std::size_t type = choice_of(fitted.attr("covariance_type"), place + ".covariance_type",
                                     {"spherical", "diag", "tied", "full"});
  const std::string at = place + ".covariances_";
  const Covariance covariance = type == 0   ? Covariance::spherical(list_of(given, at, "(K)"))
                                : type == 1 ? Covariance::diag(numbers_of(given, at, "(K, d)", {2}).rows())
                                : type == 2 ? Covariance::tied(matrix_of(given, at, "(d, d)"))
                                            : Covariance::full(matrices_of(given, at));
  return Mixture(list_of(fitted.attr("weights_"), place + ".weights_", "(K)"),
                 points_of(fitted.attr("means_"), place + ".means_", "(K, d)"), covariance);
}

/// Binds a function of points and a level.
template <class F>
void def_of_points(nb::class_<Mixture>& made, const char* name, F function) {
  const std::string place = std::string("Mixture.") + name;
  made.def(
      name,
      [place, function](const Mixture& self, nb::handle x, nb::handle level) {
        const Points points = points_in(x, place + ": x", self.dim());
        const Level at = level.is_none() ? Level{} : level_of(level, place + ": level");
        return array(released([&] { return function(self, points, at); }));
      },
      any_arg("x"), nb::arg("level") = nb::none(), docs(std::string("Mixture::") + name));
}

/// Binds a product with tangents.
template <class F>
void def_of_tangents(nb::class_<Mixture>& made, const char* name, F function) {
  const std::string place = std::string("Mixture.") + name;
  made.def(
      name,
      [place, function](const Mixture& self, nb::handle x, nb::handle v, nb::handle level) {
        const Points points = points_in(x, place + ": x", self.dim()),
                     tangents = points_in(v, place + ": v", self.dim());
        const Level at = level.is_none() ? Level{} : level_of(level, place + ": level");
        return array(released([&] { return function(self, points, tangents, at); }));
      },
      any_arg("x"), any_arg("v"), nb::arg("level") = nb::none(), docs(std::string("Mixture::") + name));
}

/// Binds a function of the numbers of a 1-D mixture.
void def_of_numbers(nb::class_<Mixture>& made, const char* name,
                    Eigen::VectorXd (Mixture::*function)(const Eigen::VectorXd&) const) {
  const std::string place = std::string("Mixture.") + name;
  made.def(
      name,
      [place, function](const Mixture& self, nb::handle x) {
        const Eigen::VectorXd numbers = vector_of(x, place + ": x");
        return array(released([&] { return (self.*function)(numbers); }));
      },
      any_arg("x"), docs(std::string("Mixture::") + name));
}

void def_evaluations(nb::class_<Mixture>& made) {
  using M = Mixture;
  const auto docs_of = [](const char* name) { return docs(std::string("Mixture::") + name); };
  def_of_points(made, "log_pdf", [](const M& m, const Points& x, Level at) { return m.log_pdf(x, at); });
  def_of_points(made, "pdf", [](const M& m, const Points& x, Level at) { return m.pdf(x, at); });
  def_of_points(made, "log_responsibilities",
                [](const M& m, const Points& x, Level at) { return m.log_responsibilities(x, at); });
  def_of_points(made, "responsibilities",
                [](const M& m, const Points& x, Level at) { return m.responsibilities(x, at); });
  def_of_points(made, "score", [](const M& m, const Points& x, Level at) { return m.score(x, at); });
  def_of_points(made, "denoiser", [](const M& m, const Points& x, Level at) { return m.denoiser(x, at); });
  def_of_points(made, "posterior_covariance",
                [](const M& m, const Points& x, Level at) { return m.posterior_covariance(x, at); });
  def_of_tangents(made, "denoiser_jvp", [](const M& m, const Points& x, const Points& v, Level at) {
    return m.denoiser_jvp(x, v, at);
  });
  def_of_tangents(made, "hessian_vp", [](const M& m, const Points& x, const Points& v, Level at) {
    return m.hessian_vp(x, v, at);
  });
  def_of_numbers(made, "cdf", &M::cdf);
  def_of_numbers(made, "survival", &M::survival);
  def_of_numbers(made, "log_cdf", &M::log_cdf);
  def_of_numbers(made, "log_survival", &M::log_survival);
  def_of_numbers(made, "quantile", &M::quantile);
  made.def(
      "mean", [](const M& self) { return array(self.mean()); }, docs_of("mean"));
  made.def(
      "covariance", [](const M& self) { return array(self.covariance()); }, docs_of("covariance"));
}

void def_laws(nb::class_<Mixture>& made) {
  const auto docs_of = [](const char* name) { return docs(std::string("Mixture::") + name); };
  made.def(
          "marginal",
          [](const Mixture& self, nb::handle coordinates) {
            if (!PySequence_Check(coordinates.ptr()))
              fail_type("Mixture.marginal: coordinates", "a sequence of integers", coordinates);
            std::vector<Eigen::Index> list;
            for (const nb::handle coordinate : nb::borrow<nb::sequence>(coordinates))
              list.push_back(integer_of(coordinate, "Mixture.marginal: coordinates", 0));
            return self.marginal(list);
          },
          any_arg("coordinates"), docs_of("marginal"))
      .def(
          "push_forward",
          [](const Mixture& self, nb::handle A, nb::handle b) {
            const Eigen::MatrixXd matrix = matrix_of(A, "Mixture.push_forward: A", "(m, d)");
            return self.push_forward(matrix, b.is_none() ? Eigen::VectorXd::Zero(matrix.rows()).eval()
                                                         : vector_of(b, "Mixture.push_forward: b", "(m)"));
          },
          any_arg("A"), nb::arg("b") = nb::none(), docs_of("push_forward"))
      .def(
          "diffuse",
          [](const Mixture& self, nb::handle level) {
            return self.diffuse(level_of(level, "Mixture.diffuse: level"));
          },
          any_arg("level"), docs_of("diffuse"))
      .def(
          "project",
          [](const Mixture& self, nb::handle u) {
            return self.project(vector_of(u, "Mixture.project: u", "(d)"));
          },
          any_arg("u"), docs_of("project"));
}

std::string json_of(const Mixture& mixture) { return io::write_mixture(mixture).dump(); }

void bind_mixtures(nb::module_& module) {
  nb::class_<Mixture> made(module, "Mixture", docs("Mixture"));
  made.def(
      "__init__",
      [](Mixture* self, const nb::args& positional, const nb::kwargs& named) {
        const Arguments given("Mixture", {"weights", "means", "covariance"}, 3, positional, named);
        new (self) Mixture(make_mixture(given, false));
      },
      nb::sig("def __init__(self, weights: typing.Any, means: typing.Any, covariance: Covariance) -> None"));
  made.def_static(
      "from_log_weights",
      [](const nb::args& positional, const nb::kwargs& named) {
        const Arguments given("Mixture.from_log_weights", {"log_weights", "means", "covariance"}, 3,
                              positional, named);
        return make_mixture(given, true);
      },
      nb::sig("def from_log_weights(log_weights: typing.Any, means: typing.Any, covariance: Covariance) -> "
              "Mixture"),
      docs("Mixture::from_log_weights"));
  made.def_static("from_sklearn", &from_sklearn, any_arg("fitted"),
                  "The mixture of a fitted GaussianMixture or BayesianGaussianMixture of scikit-learn.");
  made.def_prop_ro("dim", &Mixture::dim, "Dimension d.")
      .def_prop_ro("num_components", &Mixture::num_components, "Number K of components.")
      .def_prop_ro(
          "weights", [](const Mixture& self) { return array(self.weights()); }, docs("Mixture::weights"))
      .def_prop_ro(
          "log_weights", [](const Mixture& self) { return array(self.log_weights()); },
          docs("Mixture::log_weights"))
      .def_prop_ro(
          "means", [](const Mixture& self) { return array(self.means()); }, docs("Mixture::means"))
      .def_prop_ro(
          "covariance_type", [](const Mixture& self) { return to_string(self.covariance_type()); },
          "Structure of the covariances: \"spherical\", \"diag\", \"tied\" or \"full\".")
      .def(
          "component_covariance",
          [](const Mixture& self, nb::handle k) {
            return array(self.component_covariance(
                integer_of(k, "Mixture.component_covariance: k", 0, self.num_components() - 1)));
          },
          any_arg("k"), docs("Mixture::component_covariance"));
  def_evaluations(made);
  def_laws(made);
  made.def("__repr__",
           [](const Mixture& self) {
             return concat("<Mixture of ", self.num_components(),
                           self.num_components() == 1 ? " component" : " components", " in dimension ",
                           self.dim(), ", ", to_string(self.covariance_type()), " covariance>");
           })
      .def(
          "__eq__",
          [](const Mixture& self, nb::handle other) {
            return nb::isinstance<Mixture>(other) &&
                   json_of(self) == json_of(nb::cast<const Mixture&>(other));
          },
          nb::sig("def __eq__(self, other: object, /) -> bool"))
      .def("__hash__", [](const Mixture& self) { return nb::hash(nb::str(json_of(self).c_str())); })
      .def("__getstate__", [](const Mixture& self) { return nb::str(json_of(self).c_str()); })
      .def("__setstate__", [](Mixture& self, const nb::str& json) {
        new (&self) Mixture(io::read_mixture(io::Json::parse(json.c_str()), io::Location("Mixture")));
      });
}

}  // namespace

void bind_mixture(nb::module_& module) {
  bind_level(module);
  bind_covariance(module);
  bind_mixtures(module);
}

}  // namespace gmdiff::python
