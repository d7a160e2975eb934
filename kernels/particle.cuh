#pragma once

#include "kernels/job.hpp"
#include "particle/normals.hpp"

// The headers of particle/ that kernels use.

namespace gmdiff::kernels {

using particle::BitsOf;
using particle::LevelTable;
using particle::Normals;
using particle::RealOf;
using particle::StageKind;
using particle::StageTable;
using particle::StepTable;
using particle::Streams;
using particle::Types;
using particle::Uniform;
using particle::Uniforms;

}  // namespace gmdiff::kernels
