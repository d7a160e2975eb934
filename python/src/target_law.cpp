#include <gmdiff/model/target_law.hpp>

#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"
#include "records.hpp"
#include "released.hpp"

// Draws and moments of targets and of their laws.

namespace gmdiff::python {
namespace {

/// Numbers of draws, for the functions that have no plan.
struct DrawNumbers {
  std::int64_t count, first;
  std::uint64_t seed;

  DrawNumbers(const std::string& function, nb::handle count, nb::handle seed, nb::handle first)
      : count(integer_of(count, function + ": count")),
        first(integer_of(first, function + ": first", 0)),
        seed(seed_of(seed, function + ": seed")) {}
};

}  // namespace

void bind_target_law(nb::module_& module) {
  nb::borrow<nb::class_<Target>>(module.attr("Target"))
      .def(
          "draws",
          [](const Target& self, nb::handle count, nb::handle seed, nb::handle first) {
            const DrawNumbers numbers("Target.draws", count, seed, first);
            return array(released([&] { return self.draws(numbers.count, numbers.seed, numbers.first); }));
          },
          any_arg("count"), any_arg("seed") = 0, any_arg("first") = 0, docs("Target::draws"))
      .def_prop_ro(
          "moments",
          [](const Target& self) -> nb::object {
            const std::optional<CoordinateMoments> moments = self.moments();
            if (!moments) return nb::none();
            return nb::make_tuple(array(moments->mean), array(moments->variance));
          },
          "Exact (mean, variance) of the coordinates, (d) each; None where they have no closed form.")
      .def_prop_ro("has_exact_hessian", &Target::has_exact_hessian, docs("Target::has_exact_hessian"));
  nb::borrow<nb::class_<TargetLaw>>(module.attr("TargetLaw"))
      .def(
          "draws",
          [](const TargetLaw& self, nb::handle count, nb::handle seed, nb::handle first) {
            const DrawNumbers numbers("TargetLaw.draws", count, seed, first);
            return array(released([&] { return self.draws(numbers.count, numbers.seed, numbers.first); }));
          },
          any_arg("count"), any_arg("seed") = 0, any_arg("first") = 0, docs("TargetLaw::draws"))
      .def_prop_ro("has_moments", &TargetLaw::has_moments, docs("TargetLaw::has_moments"));
  module.def(
      "student_t_locations",
      [](nb::handle target) {
        return array(student_t_locations(
            instance_of<StudentTMixture>(target, "student_t_locations: target", "a StudentTMixture")));
      },
      any_arg("target"), docs("student_t_locations"));
}

}  // namespace gmdiff::python
