#include "cli/posterior_target.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/names.hpp"
#include "io/npz.hpp"
#include "study/law.hpp"

namespace gmdiff::cli {
namespace {

constexpr const char* by_quadrature = "quadrature";
constexpr const char* by_importance = "importance";
constexpr const char* by_laplace = "laplace";
constexpr const char* by_gaussian = "gaussian";
constexpr const char* by_maxima = "maxima";

using NamedFlag = std::pair<const char*, const FlagText*>;

std::vector<NamedFlag> named(const TargetAnswerFlags& flags) {
  return {{"--method", &flags.method},    {"--box", &flags.box},       {"--count", &flags.count},
          {"--seed", &flags.seed},        {"--starts", &flags.starts}, {"--scale", &flags.scale},
          {"--proposal", &flags.proposal}};
}

/// A method and the flags that it has in addition to `--method`.
struct Method {
  const char* name;
  std::vector<std::string> flags;
  TargetAnswer (*answer)(const Target& target, const TargetAnswerFlags& flags);
};

const std::vector<Method>& methods() {
  static const std::vector<Method> all{
      {by_quadrature, {"--box"}, answer_by_quadrature},
      {by_importance, {"--count", "--seed", "--starts", "--scale", "--proposal"}, answer_by_importance},
      {by_laplace, {"--seed", "--starts"}, answer_by_laplace},
      {by_gaussian, {"--count", "--seed", "--starts"}, answer_by_gaussian},
      {by_maxima, {"--seed", "--starts"}, answer_by_maxima}};
  return all;
}

const Method& method_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    if (name == method.name) return method;
    names.emplace_back(method.name);
  }
  fail("--method: ", io::unknown_name("method", name, names));
}

const Method& parse_method(const TargetAnswerFlags& flags, Eigen::Index d) {
  const Method& method = method_named(flags.method.value_or(d <= 2 ? by_quadrature : by_importance));
  require(method.name != std::string(by_quadrature) || d <= 2, "--method ", by_quadrature,
          " needs dimension 1 or 2, and the target has dimension ", d, "; ", by_importance, ", ", by_laplace,
          ", ", by_gaussian, " and ", by_maxima, " take any dimension");
  return method;
}

/// @throws std::invalid_argument for flags that the method does not have.
void check_flags(const TargetAnswerFlags& flags, const Method& method) {
  for (const auto& [name, text] : named(flags)) {
    const bool fits = name == std::string("--method") ||
                      std::find(method.flags.begin(), method.flags.end(), name) != method.flags.end();
    require(!*text || fits, name, " has no effect on the method ", method.name);
  }
}

}  // namespace

std::string log_normalizer_line(double value, const std::string& error) {
  return concat("log normalizer  ", format_number(value, 10), error, "\n");
}

void add_target_answer_flags(CLI::App& verb, TargetAnswerFlags& flags) {
  verb.add_option("--method", flags.method,
                  "for a target or an observation with a map: quadrature (the default in dimension 1 and 2), "
                  "importance, laplace, gaussian or maxima")
      ->type_name("METHOD");
  verb.add_option("--box", flags.box,
                  "sides of the box of the quadrature, lower and upper for each coordinate (found by itself)")
      ->type_name("A,B[,A,B]");
  verb.add_option(
          "--count", flags.count,
          "draws of importance sampling (10000), or of the method gaussian in dimension 3 or higher (1000)")
      ->type_name("N");
  verb.add_option("--seed", flags.seed, "64-bit seed of draws and starts (0)")->type_name("S");
  verb.add_option(
          "--starts", flags.starts,
          "starts of the search for maxima, draws of N(0, 9 I), with an observation draws of the prior, "
          "for importance, laplace, gaussian and maxima (64)")
      ->type_name("N");
  verb.add_option("--scale", flags.scale,
                  "factor of the covariances of the proposal of importance sampling (2)")
      ->type_name("C");
  verb.add_option(
          "--proposal", flags.proposal,
          "proposal of importance sampling: laplace, or prior for an observation with a map (laplace)")
      ->type_name("NAME");
}

void check_no_target_answer_flags(const TargetAnswerFlags& flags, const std::string& file) {
  for (const auto& [name, text] : named(flags))
    require(!*text, name, " belongs to a problem with a target or with an observation that has a map, and ",
            file, " has neither");
}

TargetAnswer answer(const Target& target, const std::string& law, const TargetAnswerFlags& flags,
                    const std::string& file) {
  const Method& method = parse_method(flags, target.dim());
  check_flags(flags, method);
  TargetAnswer result = method.answer(target, flags);
  Json json;
  json["law"] = law;
  json["method"] = method.name;
  json.update(result.json);
  json["warnings"] = result.warnings;
  result.json = std::move(json);
  result.text = concat("law             ", law, " of ", file, ", dimension ", target.dim(),
                       "\nmethod          ", method.name, "\n", result.text);
  return result;
}

void write_arrays(const TargetAnswer& answer, const std::string& file, bool force) {
  std::vector<io::NpzArray> arrays;
  for (const AnswerArray& array : answer.arrays) {
    arrays.push_back({array.name, array.shape,
                      std::span(array.values.data(), static_cast<std::size_t>(array.values.size()))});
  }
  io::write_npz(file, arrays, force);
}

}  // namespace gmdiff::cli
