#include "bindings.hpp"
#include "descriptions.hpp"
#include "models.hpp"

#include <gmdiff/io/problem_file.hpp>

// All samplers of the catalogue.

namespace gmdiff::python {

AnySampler sampler_of(nb::handle object, const std::string& place) {
  if (PyUnicode_Check(object.ptr())) {
    const std::string text = text_of(object, place);
    try {
      return parse_sampler(text);
    } catch (const std::invalid_argument& error) {
      fail(place, ": ", error.what());
    }
  }
  if (auto sampler = VariantCast<AnySampler>::from(object)) return *sampler;
  fail_type(place, "a sampler, such as Ddim(eta=0.5) or \"ddim:eta=0.5\"", object);
}

TargetSampler target_sampler_of(nb::handle object, const std::string& place) {
  const auto sampler = without_prior(sampler_of(object, place));
  if (!sampler) fail(place, ": expected Markov chains, such as Mala(), which sample a target");
  return *sampler;
}

void bind_samplers(nb::module_& module) {
  bind_descriptions<AnySampler>(module);
  module.def(
      "sampler_names",
      [] {
        nb::list names;
        for (const std::string& name : sampler_names()) names.append(name);
        return names;
      },
      docs("sampler_names"));
  module.def(
      "parse_sampler",
      [](nb::handle text) {
        return object_of(sampler_of(nb::str(text_of(text, "parse_sampler: text").c_str()), "parse_sampler"));
      },
      any_arg("text"), docs("parse_sampler"));
  module.def(
      "sampler_text",
      [](nb::handle sampler) { return to_string(sampler_of(sampler, "sampler_text: sampler")); },
      any_arg("sampler"), "The sampler in the form that `parse_sampler` reads.");
}

}  // namespace gmdiff::python
