#include "io/mixture_json.hpp"

#include "io/number_array.hpp"

namespace gmdiff::io {
namespace {

/// Type and shape of the covariances of a prior.
struct CovarianceShape {
  bool tied;
  std::int64_t K;
  std::int64_t d;
};

/// One matrix (d, d), or K of them.
NumberArray read_matrices(const Json& value, const Location& where, const CovarianceShape& shape) {
  return shape.tied ? read_array(value, where, {shape.d, shape.d})
                    : read_array(value, where, {shape.K, shape.d, shape.d});
}

Covariance dense_covariance(const Json& value, const Location& where, const CovarianceShape& shape) {
  const NumberArray values = read_matrices(member(value, where, "values"), where.key("values"), shape);
  Covariance covariance =
      shape.tied ? Covariance::tied(values.points()) : Covariance::full(values.matrices());
  covariance.relative_precision = values.relative_precision;
  return covariance;
}

/// `eigenvectors` and `eigenvalues`: (d, d) and (d) for tied, (K, d, d) and (K, d) for full covariances.
Covariance eigen_covariance(const Json& value, const Location& where, const CovarianceShape& shape) {
  if (value.contains("values")) where.fail("\"values\" and \"eigenvectors\" exclude each other");
  const NumberArray bases =
      read_matrices(member(value, where, "eigenvectors"), where.key("eigenvectors"), shape);
  const Json& eigenvalues = member(value, where, "eigenvalues");
  const Location place = where.key("eigenvalues");
  Covariance covariance =
      shape.tied ? Covariance::tied_eigen(bases.points(), read_array(eigenvalues, place, {shape.d}).vector())
                 : Covariance::full_eigen(bases.matrices(),
                                          read_array(eigenvalues, place, {shape.K, shape.d}).points());
  covariance.relative_precision = bases.relative_precision;
  return covariance;
}

Covariance read_covariance(const Json& value, const Location& where, std::int64_t K, std::int64_t d) {
  as_object(value, where);
  const Json& type = member(value, where, "type");
  if (type == "tied" || type == "full") {
    check_keys(value, where, {"type", "values", "eigenvectors", "eigenvalues"});
    const CovarianceShape shape{.tied = type == "tied", .K = K, .d = d};
    const bool decomposed = value.contains("eigenvectors") || value.contains("eigenvalues");
    return decomposed ? eigen_covariance(value, where, shape) : dense_covariance(value, where, shape);
  }
  check_keys(value, where, {"type", "values"});
  const Json& values = member(value, where, "values");
  const Location place = where.key("values");
  if (type == "spherical") return Covariance::spherical(read_array(values, place, {K}).values);
  if (type == "diag") return Covariance::diag(read_array(values, place, {K, d}).points());
  if (!type.is_string()) where.key("type").fail("expected the name of a covariance, given ", describe(type));
  where.key("type").fail(
      unknown_name("covariance", type.get_ref<const std::string&>(), {"spherical", "diag", "tied", "full"}));
}

/// Whether a dense matrix, which resolves eps times its largest eigenvalue, would lose half or more of the
/// digits of some eigenvalue. A mixture constructed from dense matrices has already lost them.
bool needs_eigenvalues(const Mixture& mixture) {
  constexpr double half_of_the_digits = 1e-8;
  if (mixture.bases().empty() || !mixture.dense_covariances().empty()) return false;
  for (Eigen::Index k = 0; k < mixture.eigenvalues().rows(); ++k) {
    const auto l = mixture.eigenvalues().row(k).array();
    if ((l > 0.0 && l < half_of_the_digits * l.maxCoeff()).any()) return true;
  }
  return false;
}

OrderedJson write_eigen(const Mixture& mixture) {
  const auto& bases = mixture.bases();
  if (mixture.covariance_type() == CovarianceType::tied) {
    return {{"type", "tied"},
            {"eigenvectors", rows(bases.front())},
            {"eigenvalues", numbers(mixture.eigenvalues().row(0))}};
  }
  OrderedJson eigenvectors = OrderedJson::array();
  for (Eigen::Index k = 0; k < mixture.num_components(); ++k) {
    eigenvectors.push_back(rows(bases[bases.size() == 1 ? 0 : static_cast<std::size_t>(k)]));
  }
  return {{"type", "full"},
          {"eigenvectors", std::move(eigenvectors)},
          {"eigenvalues", rows(mixture.eigenvalues())}};
}

OrderedJson write_covariance(const Mixture& mixture) {
  if (needs_eigenvalues(mixture)) return write_eigen(mixture);
  const CovarianceType type = mixture.covariance_type();
  OrderedJson values = OrderedJson::array();
  switch (type) {
    case CovarianceType::spherical:
      values = numbers(mixture.eigenvalues().col(0));
      break;
    case CovarianceType::diag:
      values = rows(mixture.eigenvalues());
      break;
    case CovarianceType::tied:
      values = rows(mixture.component_covariance(0));
      break;
    case CovarianceType::full:
    case CovarianceType::common_basis:
      for (Eigen::Index k = 0; k < mixture.num_components(); ++k)
        values.push_back(rows(mixture.component_covariance(k)));
  }
  return {{"type", to_string(type)}, {"values", std::move(values)}};
}

}  // namespace

Mixture read_mixture(const Json& value, const Location& where) {
  as_object(value, where);
  check_keys(value, where, {"weights", "means", "covariance"});
  auto weights = read_array(member(value, where, "weights"), where.key("weights"), {any_size});
  const std::int64_t K = weights.size(0);
  const auto means = read_array(member(value, where, "means"), where.key("means"), {K, any_size});
  Covariance covariance =
      read_covariance(member(value, where, "covariance"), where.key("covariance"), K, means.size(1));
  return at(where, [&] { return Mixture(weights.values, means.points(), covariance); });
}

OrderedJson write_mixture(const Mixture& mixture) {
  return {{"weights", numbers(mixture.weights())},
          {"means", rows(mixture.means())},
          {"covariance", write_covariance(mixture)}};
}

}  // namespace gmdiff::io
