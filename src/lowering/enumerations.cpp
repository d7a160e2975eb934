#include "lowering/enumerations.hpp"

#include "base/check.hpp"

namespace gmdiff::particle {

GuideWeight lowered(ResidualWeight weight) {
  switch (weight) {
    case ResidualWeight::moments:
      return GuideWeight::moments;
    case ResidualWeight::row_sums:
      return GuideWeight::row_sums;
    case ResidualWeight::diffuse:
      return GuideWeight::diffuse;
    case ResidualWeight::isotropic:
      return GuideWeight::isotropic;
    case ResidualWeight::norm:
      return GuideWeight::norm;
    case ResidualWeight::unit:
      return GuideWeight::unit;
    case ResidualWeight::ones:
      return GuideWeight::ones;
  }
  fail("lowering: unknown weight of a residual");
}

NoiseKind lowered(NoiseStream stream) {
  switch (stream) {
    case NoiseStream::step:
      return NoiseKind::step;
    case NoiseStream::churn:
      return NoiseKind::churn;
    case NoiseStream::velocity:
      return NoiseKind::velocity;
    case NoiseStream::search:
      return NoiseKind::search;
  }
  fail("lowering: unknown stream of noise");
}

StepScale lowered(StepFactor factor) {
  switch (factor) {
    case StepFactor::none:
      return StepScale::none;
    case StepFactor::linear:
      return StepScale::linear;
    case StepFactor::square:
      return StepScale::square;
    case StepFactor::decay:
      return StepScale::decay;
    case StepFactor::spread:
      return StepScale::spread;
  }
  fail("lowering: unknown factor of a step");
}

StepRule lowered(Adapt::Rule rule) {
  switch (rule) {
    case Adapt::Rule::begin:
      return StepRule::begin;
    case Adapt::Rule::search:
      return StepRule::search;
    case Adapt::Rule::average:
      return StepRule::average;
  }
  fail("lowering: unknown rule of a step");
}

ProximalKind lowered(ProximalMap map) {
  switch (map) {
    case ProximalMap::soft_threshold:
      return ProximalKind::soft_threshold;
    case ProximalMap::total_variation:
      return ProximalKind::total_variation;
  }
  fail("lowering: unknown proximal map");
}

}  // namespace gmdiff::particle
