#include "model/observation/observation_map.hpp"

#include <array>
#include <cmath>
#include <stdexcept>

#include "base/check.hpp"
#include "model/expression/parser.hpp"
#include "model/expression/scope.hpp"

namespace gmdiff {
namespace {

/// In the order of the enumeration.
constexpr std::array<const char*, 5> map_functions{"identity", "square", "exp", "tanh", "sin"};
constexpr const char* range_map = "range";
constexpr const char* expression_map = "expression";

}  // namespace

const char* name_of(const MapDescription& map) {
  if (const auto* elementwise = std::get_if<ElementwiseMap>(&map))
    return map_functions[static_cast<std::size_t>(elementwise->function)];
  if (std::holds_alternative<CustomMap>(map)) return CustomMap::name;
  return std::holds_alternative<RangeMap>(map) ? range_map : expression_map;
}

std::vector<std::string> map_names() {
  std::vector<std::string> names(map_functions.begin(), map_functions.end());
  names.emplace_back(range_map);
  names.emplace_back(expression_map);
  return names;
}

namespace observations {
namespace {

using Eigen::Index;
using expressions::Graph;
using expressions::NodeId;
using expressions::Primitive;

void check_entries(const char* map, const char* name, const auto& matrix) {
  require(matrix.size() > 0, map, ": ", name, " has no entries");
  for (Index i = 0; i < matrix.rows(); ++i) {
    for (Index j = 0; j < matrix.cols(); ++j) {
      require(std::isfinite(matrix(i, j)), map, ": ", name, " (", i, ", ", j, ") must be finite, got ",
              matrix(i, j));
    }
  }
}

void check_map(const char* name, const ElementwiseMap& map) {
  check_entries(name, "A", map.A);
  if (map.b.size() == 0) return;
  require(map.b.size() == map.A.rows(), name, ": b has ", map.b.size(),
          " entries, expected one for each of the ", map.A.rows(), " rows of A");
  check_entries(name, "b", map.b);
}
void check_map(const char* name, const RangeMap& map) { check_entries(name, "anchors", map.anchors); }
void check_map(const char* name, const ExpressionMap& map) {
  require(!map.texts.empty(), name, ": expected one text for each observed number, got none");
}
void check_map(const char* /*name*/, const CustomMap& map) {
  require(!map.id.empty(), "custom map: the id is empty; it names the map in results");
  require(map.dim >= 1, "custom map \"", map.id, "\": dim must be at least 1, got ", map.dim);
  require(map.outputs >= 1, "custom map \"", map.id, "\": outputs must be at least 1, got ", map.outputs);
  require(map.value != nullptr, "custom map \"", map.id, "\": has no function value, which gives Phi");
  require(map.transposed_product != nullptr, "custom map \"", map.id,
          "\": has no function transposed_product, which gives J^T w");
}

NodeId constant(Graph& graph, double value) { return graph.constant(static_cast<long double>(value)); }

NodeId applied(Graph& graph, MapFunction function, NodeId t) {
  switch (function) {
    case MapFunction::identity:
      return t;
    case MapFunction::square:
      return graph.multiply(t, t);
    case MapFunction::exp:
      return graph.function(Primitive::exp, t);
    case MapFunction::tanh:
      return graph.function(Primitive::tanh, t);
    case MapFunction::sin:
      return graph.function(Primitive::sine, t);
  }
  fail("observation: unknown function of a map");
}

std::vector<NodeId> append_map(Graph& graph, const ElementwiseMap& map) {
  std::vector<NodeId> values;
  values.reserve(static_cast<std::size_t>(map.A.rows()));
  for (Index i = 0; i < map.A.rows(); ++i) {
    NodeId t = constant(graph, map.b.size() == 0 ? 0.0 : map.b(i));
    for (Index j = 0; j < map.A.cols(); ++j)
      t = graph.add(t, graph.multiply(constant(graph, map.A(i, j)), graph.position(static_cast<int>(j))));
    values.push_back(applied(graph, map.function, t));
  }
  return values;
}

/// sqrt(q), and 0 with all derivatives 0 at q = 0, where the root has none: there the root is that of 1.
NodeId root(Graph& graph, NodeId q) {
  const NodeId is_zero = graph.choose(Primitive::not_less, graph.constant(0.0L), q);
  return graph.where(q, graph.function(Primitive::sqrt, graph.add(q, is_zero)));
}

std::vector<NodeId> append_map(Graph& graph, const RangeMap& map) {
  std::vector<NodeId> values;
  values.reserve(static_cast<std::size_t>(map.anchors.rows()));
  for (Index i = 0; i < map.anchors.rows(); ++i) {
    NodeId q = graph.constant(0.0L);
    for (Index j = 0; j < map.anchors.cols(); ++j) {
      const NodeId difference =
          graph.subtract(graph.position(static_cast<int>(j)), constant(graph, map.anchors(i, j)));
      q = graph.add(q, graph.multiply(difference, difference));
    }
    values.push_back(root(graph, q));
  }
  return values;
}

std::vector<NodeId> append_map(Graph& graph, const ExpressionMap& map) {
  const ExpressionVariables variables{.dim = map.dim, .parameters = map.parameters};
  expressions::check(variables);
  std::vector<NodeId> values;
  values.reserve(map.texts.size());
  for (const std::string& text : map.texts) {
    try {
      values.push_back(expressions::parse(graph, text, variables));
    } catch (const std::invalid_argument& error) {
      fail("text ", values.size() + 1, ": ", error.what());
    }
  }
  return values;
}

std::vector<NodeId> append_map(Graph& /*graph*/, const CustomMap& map) {
  fail("custom map \"", map.id, "\": is a function, which has no operations");
}

}  // namespace

Index dim_of(const MapDescription& map) {
  if (const auto* elementwise = std::get_if<ElementwiseMap>(&map)) return elementwise->A.cols();
  if (const auto* range = std::get_if<RangeMap>(&map)) return range->anchors.cols();
  if (const auto* custom = std::get_if<CustomMap>(&map)) return custom->dim;
  return std::get<ExpressionMap>(map).dim;
}

void check(const MapDescription& map) {
  std::visit([&](const auto& alternative) { check_map(name_of(map), alternative); }, map);
}

std::vector<NodeId> append(Graph& graph, const MapDescription& map) {
  return std::visit([&](const auto& alternative) { return append_map(graph, alternative); }, map);
}

}  // namespace observations
}  // namespace gmdiff
