#include "io/json_output.hpp"

#include <cmath>

namespace gmdiff::io {

OrderedJson json_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0.0 ? "inf" : "-inf";
  return value;
}

OrderedJson json_vector(const Eigen::VectorXd& values) {
  OrderedJson array = OrderedJson::array();
  for (const double value : values) array.push_back(json_number(value));
  return array;
}

OrderedJson json_points(const Points& points) {
  OrderedJson array = OrderedJson::array();
  for (Eigen::Index i = 0; i < points.rows(); ++i) array.push_back(json_vector(points.row(i).transpose()));
  return array;
}

std::string json_text(const OrderedJson& json) {
  return json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

}  // namespace gmdiff::io
