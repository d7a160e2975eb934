#pragma once

#include <gmdiff/sampler/learned.hpp>

// Trained samplers: parameters.

namespace gmdiff::catalogue {

template <class Visitor>
void visit_parameters(Visitor& v, Learned& sampler) {
  v.required("model", sampler.model);
  v.optional("reweight", sampler.reweight);
}

}  // namespace gmdiff::catalogue
