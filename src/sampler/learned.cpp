#include <gmdiff/sampler/learned.hpp>

namespace gmdiff {

const char* to_string(PathMethod method) {
  switch (method) {
    case PathMethod::dis:
      return "dis";
    case PathMethod::ula:
      return "ula";
    case PathMethod::mcd:
      return "mcd";
    case PathMethod::cmcd:
      return "cmcd";
    case PathMethod::dbs:
      return "dbs";
  }
  return "?";
}

const char* to_string(PathPrior prior) {
  switch (prior) {
    case PathPrior::fixed:
      return "fixed";
    case PathPrior::gp:
      return "gp";
    case PathPrior::gmp:
      return "gmp";
  }
  return "?";
}

const char* to_string(PathDrift drift) {
  switch (drift) {
    case PathDrift::annealed:
      return "annealed";
    case PathDrift::target:
      return "target";
    case PathDrift::zero:
      return "zero";
  }
  return "?";
}

const char* to_string(PathSchedule schedule) {
  switch (schedule) {
    case PathSchedule::cosine:
      return "cosine";
    case PathSchedule::constant:
      return "constant";
    case PathSchedule::linear:
      return "linear";
  }
  return "?";
}

const char* to_string(PathLoss loss) {
  switch (loss) {
    case PathLoss::elbo:
      return "elbo";
    case PathLoss::log_variance:
      return "log-variance";
    case PathLoss::trajectory_balance:
      return "trajectory-balance";
  }
  return "?";
}

const char* to_string(RefinementScore score) {
  switch (score) {
    case RefinementScore::elbo:
      return "elbo";
    case RefinementScore::ratio:
      return "ratio";
    case RefinementScore::residual:
      return "residual";
  }
  return "?";
}

}  // namespace gmdiff
