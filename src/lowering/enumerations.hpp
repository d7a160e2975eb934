#pragma once

#include <gmdiff/plan/program.hpp>

#include "particle/program_tables.hpp"

// The enumerations of a plan's stages, as those of their tables.

namespace gmdiff::particle {

GuideWeight lowered(ResidualWeight weight);
NoiseKind lowered(NoiseStream stream);
StepScale lowered(StepFactor factor);
StepRule lowered(Adapt::Rule rule);
ProximalKind lowered(ProximalMap map);

}  // namespace gmdiff::particle
