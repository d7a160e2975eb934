#pragma once

#include "sampler/catalogue/chains.hpp"
#include "sampler/catalogue/learned.hpp"
#include "sampler/catalogue/models.hpp"
#include "sampler/catalogue/posterior_samplers.hpp"
#include "sampler/catalogue/samplers.hpp"

// The catalogue of names: one entry for each process, grid, target and sampler, with its parameters. It
// defines problem files and the samplers of the command line. The default of a parameter is the member
// initialiser of the description.
//
// A visitor offers
//   required(key, member), optional(key, member)     a parameter without or with a default
//   unbounded(key, member)                           a parameter with a default, which may be infinite
//   whole(key, member, most, least)                  an integer parameter with a default, from `least` (1) to
//                                                    `most`
//   name_of(key, variant)                            the name of the alternative that a variant holds
//   either(first_holds, first, second)               two exclusive groups of parameters, as functions that
//                                                    visit with a given visitor
