#include "device_rows.hpp"

#include <nanobind/ndarray.h>

#include "arguments.hpp"

namespace gmdiff::python {
namespace {

using Tensor = nb::ndarray<nb::ro>;

/// The rows that a result must be.
struct Expected {
  int index;  ///< of the GPU
  std::int64_t rows, dim;
  Precision precision;
};

/// Rows number `first` to `first + rows` of x, which are `DeviceRows` or `DeviceTargetRows`.
template <class Real, class Rows>
nb::object tensor_of(const Rows& x, std::int64_t first, std::int64_t rows) {
  auto* const values = static_cast<Real*>(const_cast<void*>(x.x)) + first * x.dim;
  const std::size_t shape[] = {static_cast<std::size_t>(rows), static_cast<std::size_t>(x.dim)};
  // The values belong to the run, so their owner has nothing to do.
  const nb::capsule owner(values, [](void*) noexcept {});
  return nb::ndarray<nb::array_api, Real>(values, 2, shape, owner, nullptr, nb::dtype<Real>(),
                                          nb::device::cuda::value, x.index)
      .cast();
}

template <class Rows>
nb::object rows_of(const Rows& x, std::int64_t first, std::int64_t rows) {
  return x.precision == Precision::f32 ? tensor_of<float>(x, first, rows) : tensor_of<double>(x, first, rows);
}

/// The index of the GPU that has a tensor. @throws TypeError for other objects
int gpu_of(nb::handle tensor, const std::string& place) {
  constexpr const char* expected = "a tensor of a GPU with __dlpack__";
  if (!nb::hasattr(tensor, "__dlpack__") || !nb::hasattr(tensor, "__dlpack_device__"))
    fail_type(place, expected, tensor);
  const auto device = nb::cast<nb::sequence>(tensor.attr("__dlpack_device__")());
  if (nb::cast<int>(nb::int_(device[0])) != nb::device::cuda::value)
    fail(place, ": expected ", expected, ", given one in other memory");
  return nb::cast<int>(nb::int_(device[1]));
}

/// The tensor of an object, complete for the work of a stream. @param stream None for work on any
Tensor imported(nb::handle object, const nb::object& stream) {
  return nb::cast<Tensor>(object.attr("__dlpack__")(nb::arg("stream") = stream));
}

bool is_row_major(const Tensor& tensor) {
  const auto rows = static_cast<std::int64_t>(tensor.shape(0)),
             d = static_cast<std::int64_t>(tensor.shape(1));
  return (tensor.stride(1) == 1 || d <= 1) && (tensor.stride(0) == d || rows <= 1);
}

const char* name_of(Precision precision) { return precision == Precision::f32 ? "float32" : "float64"; }

std::string shape_of(const Tensor& tensor) {
  std::string shape;
  for (std::size_t i = 0; i < tensor.ndim(); ++i) shape += concat(i == 0 ? "" : ", ", tensor.shape(i));
  return concat("(", shape, ")");
}

/// @throws ValueError
void check(const Tensor& D, int index, const Expected& expected, const std::string& place) {
  require(index == expected.index, place, " is on GPU ", index, ", expected GPU ", expected.index);
  const bool has_shape = D.ndim() == 2 && static_cast<std::int64_t>(D.shape(0)) == expected.rows &&
                         static_cast<std::int64_t>(D.shape(1)) == expected.dim;
  require(has_shape, place, " has shape ", shape_of(D), ", expected (", expected.rows, ", ", expected.dim,
          ")");
  const bool has_type =
      D.dtype() == (expected.precision == Precision::f32 ? nb::dtype<float>() : nb::dtype<double>());
  require(has_type, place, ": expected numbers of the type ", name_of(expected.precision),
          ", which x has; convert the result");
  require(is_row_major(D), place, ": expected rows one after the other; return a contiguous copy");
}

/// Checks log-densities of rows. @returns their type @throws ValueError
Precision check_list(const Tensor& l, int index, const Expected& expected, const std::string& place) {
  require(index == expected.index, place, " is on GPU ", index, ", expected GPU ", expected.index);
  const bool is_column = l.ndim() == 2 && l.shape(1) == 1;
  require((l.ndim() == 1 || is_column) && static_cast<std::int64_t>(l.shape(0)) == expected.rows, place,
          " has shape ", shape_of(l), ", expected (", expected.rows, ")");
  const bool is_single = l.dtype() == nb::dtype<float>();
  require(is_single || l.dtype() == nb::dtype<double>(), place,
          ": expected numbers of the type float32 or float64; convert the result");
  require(l.stride(0) == 1 || expected.rows <= 1, place,
          ": expected numbers one after the other; return a contiguous copy");
  return is_single ? Precision::f32 : Precision::f64;
}

nb::int_ stream_of(const void* stream) { return nb::int_(reinterpret_cast<std::uintptr_t>(stream)); }

/// Copies the result of a function to the rows of a run.
void write(nb::handle result, const DeviceRows& x, std::int64_t first, std::int64_t rows,
           const std::string& place) {
  const int index = gpu_of(result, place);
  const Tensor D = imported(result, stream_of(x.stream));
  check(D, index, {.index = x.index, .rows = rows, .dim = x.dim, .precision = x.precision}, place);
  const nb::gil_scoped_release release;
  x.write(D.data(), first, rows);
}

/// The pair that a target returns.
struct TensorPair {
  Tensor l, g;
  Precision of_l;
};

/// @throws as `check_device_result`
TensorPair import_pair(nb::handle result, const Expected& expected, const nb::object& stream,
                       const std::string& place) {
  const nb::tuple pair = pair_of(result, place);
  const std::string place_of_l = place + ": the log-density", place_of_g = place + ": the gradient";
  const int index_of_l = gpu_of(pair[0], place_of_l), index_of_g = gpu_of(pair[1], place_of_g);
  Tensor l = imported(pair[0], stream), g = imported(pair[1], stream);
  const Precision of_l = check_list(l, index_of_l, expected, place_of_l);
  check(g, index_of_g, expected, place_of_g);
  return {std::move(l), std::move(g), of_l};
}

/// Copies the pair that a target returns to the rows of a run.
void write_pair(nb::handle result, const DeviceTargetRows& x, const std::string& place) {
  const TensorPair pair =
      import_pair(result, {.index = x.index, .rows = x.count, .dim = x.dim, .precision = x.precision},
                  stream_of(x.stream), place);
  const nb::gil_scoped_release release;
  x.write(pair.l.data(), pair.of_l, pair.g.data(), 0, x.count);
}

/// The rows that a result for rows x must be. @throws TypeError, ValueError
Expected rows_like(nb::handle x, const std::string& place) {
  const int index = gpu_of(x, place);
  const Tensor given = imported(x, nb::none());
  require(given.ndim() == 2, place, ": expected a tensor of shape (n, d), given ", given.ndim(), " axes");
  const bool is_single = given.dtype() == nb::dtype<float>();
  require(is_single || given.dtype() == nb::dtype<double>(), place,
          ": expected numbers of the type float32 or float64");
  return {.index = index,
          .rows = static_cast<std::int64_t>(given.shape(0)),
          .dim = static_cast<std::int64_t>(given.shape(1)),
          .precision = is_single ? Precision::f32 : Precision::f64};
}

std::string place_of(const std::string& id) { return concat("denoiser \"", id, "\": the result"); }

}  // namespace

DeviceDenoiser device_denoiser(const Function& function, const std::string& id, Prediction prediction,
                               Eigen::Index batch) {
  return {.id = id,
          .function =
              [function, batch, place = place_of(id)](const DeviceRows& x) {
                x.wait();
                for_each_piece(x.count, batch, [&](Eigen::Index first, Eigen::Index rows) {
                  function.call([&] { return nb::make_tuple(rows_of(x, first, rows), nb::cast(x.level)); },
                                [&](const nb::object& D) { write(D, x, first, rows, place); });
                });
              },
          .prediction = prediction};
}

void DeviceTargetCalls::operator()(const DeviceTargetRows& x) const {
  x.wait();
  function.call([&] { return nb::make_tuple(rows_of(x, 0, x.count)); },
                [&](const nb::object& result) { write_pair(result, x, place); });
}

nb::object DeviceTargetCalls::checked(nb::handle x) const {
  const Expected expected = rows_like(x, "CustomTarget: x");
  nb::object result = function.object()(x);
  import_pair(result, expected, nb::none(), place);
  return result;
}

void check_device_result(nb::handle result, nb::handle x, const std::string& id) {
  const Expected expected = rows_like(x, "Denoiser: x");
  const std::string place = place_of(id);
  const int index = gpu_of(result, place);
  check(imported(result, nb::none()), index, expected, place);
}

}  // namespace gmdiff::python
