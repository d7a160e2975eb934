#include <cmath>

#include <gmdiff/model/fokker_planck.hpp>

#include "model/fokker_planck/checks.hpp"
#include "model/fokker_planck/faces.hpp"

// The stationary law, and the distance of another law from it (mathematics.md §14.3).

namespace gmdiff {

using Eigen::Index;
using Eigen::VectorXd;
using namespace fokker_planck;

namespace {

/// @param log_stationary empty for rates that do not come from a log-density
void require_stationary(const VectorXd& log_stationary, Boundary boundary, const char* what) {
  require(log_stationary.size() > 0, what, ": expected an equation from a log-density, got general rates");
  require(boundary != Boundary::absorbing, what,
          ": expected reflecting or periodic walls, got absorbing ones");
}

}  // namespace

VectorXd FokkerPlanck::stationary() const {
  require_stationary(log_stationary_, boundary_, "FokkerPlanck::stationary");
  return exp_of(log_stationary_);
}

double FokkerPlanck::relative_entropy(const VectorXd& P) const {
  require_stationary(log_stationary_, boundary_, "FokkerPlanck::relative_entropy");
  check_masses(P, grid_.size(), "FokkerPlanck::relative_entropy");
  double sum = 0.0;
  for (Index i = 0; i < P.size(); ++i)
    if (P(i) > 0.0) sum += P(i) * (std::log(P(i)) - log_stationary_(i));
  return sum;
}

double FokkerPlanck::fisher_information(const VectorXd& P) const {
  require_stationary(log_stationary_, boundary_, "FokkerPlanck::fisher_information");
  check_masses(P, grid_.size(), "FokkerPlanck::fisher_information");
  const auto phi = [&](Index i) { return std::log(P(i)) - log_stationary_(i); };
  double sum = 0.0;
  for_each_face(grid_, boundary_, [&](const Face& face) {
    if (P(face.before) == 0.0 || P(face.after) == 0.0) return;
    const auto axis = static_cast<std::size_t>(face.axis);
    const double flux =
        rates_.up[axis](face.before) * P(face.before) - rates_.down[axis](face.after) * P(face.after);
    sum += flux * (phi(face.before) - phi(face.after));
  });
  return sum / diffusion_;
}

}  // namespace gmdiff
