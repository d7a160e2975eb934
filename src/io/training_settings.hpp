#pragma once

#include <gmdiff/network/trained_sampler.hpp>
#include <gmdiff/network/training.hpp>

// Lists of the settings of trainings, which texts and files follow. A visitor offers
//   choice(name, enumerator, last)   a member of an enumeration whose last member is `last`
//   number(name, value)              any number
//   whole(name, value)               an integer >= 0
//   flag(name, value)                true or false; an optional flag may be unset
//   seed(name, value)                64 bits

namespace gmdiff {

template <class Visitor, class Settings>
void visit_denoiser_settings(Visitor& v, Settings& s) {
  v.choice("parametrisation", s.parametrisation, Parametrisation::edm);
  v.choice("weight", s.weight, Parametrisation::edm);
  v.whole("hidden", s.hidden);
  v.whole("layers", s.layers);
  v.whole("ladder.count", s.ladder.count);
  v.number("ladder.n_min", s.ladder.n_min);
  v.number("ladder.n_max", s.ladder.n_max);
  v.number("law.mean", s.law.mean);
  v.number("law.deviation", s.law.deviation);
  v.flag("law.uniform", s.law.uniform);
  v.whole("batch", s.batch);
  v.whole("iterations", s.iterations);
  v.number("rate", s.rate);
  v.number("decay", s.decay);
  v.number("ema", s.ema);
  v.seed("seed", s.seed);
  v.choice("precision", s.precision, Precision::f64);
}

/// Settings of a method, which `parse_sampler_settings` takes as text.
template <class Visitor, class Settings>
void visit_method_settings(Visitor& v, Settings& s) {
  v.choice("prior", s.prior, PathPrior::gmp);
  v.whole("components", s.components);
  v.number("init_std", s.init_std);
  v.number("means_std", s.means_std);
  v.number("step", s.step);
  v.whole("steps", s.steps);
  v.choice("schedule", s.schedule, PathSchedule::linear);
  v.choice("drift", s.drift, PathDrift::zero);
  v.choice("loss", s.loss, PathLoss::trajectory_balance);
  v.flag("langevin", s.langevin);
  v.flag("detach_target_score", s.detach_target_score);
  v.number("rate", s.rate);
  v.number("decay", s.decay);
  v.flag("learn_prior", s.learn_prior);
  v.flag("learn_annealing", s.learn_annealing);
  v.flag("learn_weights", s.learn_weights);
  v.flag("learn_step", s.learn_step);
  v.flag("learn_friction", s.learn_friction);
  v.whole("refine_every", s.refine_every);
  v.choice("refine_score", s.refine_score, RefinementScore::residual);
  v.whole("chains", s.chains);
  v.whole("first_moves", s.first_moves);
  v.whole("moves", s.moves);
  v.number("support_std", s.support_std);
}

template <class Visitor, class Settings>
void visit_sampler_settings(Visitor& v, Settings& s) {
  v.choice("method", s.method, PathMethod::dbs);
  visit_method_settings(v, s);
  v.whole("hidden", s.hidden);
  v.whole("layers", s.layers);
  v.whole("batch", s.batch);
  v.whole("iterations", s.iterations);
  v.number("network_rate", s.network_rate);
  v.seed("seed", s.seed);
  v.choice("precision", s.precision, Precision::f64);
}

}  // namespace gmdiff
