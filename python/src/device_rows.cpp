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

/// Rows number `first` to `first + rows` of x.
template <class Real>
nb::object tensor_of(const DeviceRows& x, std::int64_t first, std::int64_t rows) {
  auto* const values = static_cast<Real*>(const_cast<void*>(x.x)) + first * x.dim;
  const std::size_t shape[] = {static_cast<std::size_t>(rows), static_cast<std::size_t>(x.dim)};
  // The values belong to the run, so their owner has nothing to do.
  const nb::capsule owner(values, [](void*) noexcept {});
  return nb::ndarray<nb::array_api, Real>(values, 2, shape, owner, nullptr, nb::dtype<Real>(),
                                          nb::device::cuda::value, x.index)
      .cast();
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

/// @throws ValueError
void check(const Tensor& D, int index, const Expected& expected, const std::string& place) {
  require(index == expected.index, place, " is on GPU ", index, ", expected GPU ", expected.index);
  const bool has_shape = D.ndim() == 2 && static_cast<std::int64_t>(D.shape(0)) == expected.rows &&
                         static_cast<std::int64_t>(D.shape(1)) == expected.dim;
  std::string shape;
  for (std::size_t i = 0; i < D.ndim(); ++i) shape += concat(i == 0 ? "" : ", ", D.shape(i));
  require(has_shape, place, " has shape (", shape, "), expected (", expected.rows, ", ", expected.dim, ")");
  const bool has_type =
      D.dtype() == (expected.precision == Precision::f32 ? nb::dtype<float>() : nb::dtype<double>());
  require(has_type, place, ": expected numbers of the type ", name_of(expected.precision),
          ", which x has; convert the result");
  require(is_row_major(D), place, ": expected rows one after the other; return a contiguous copy");
}

/// Copies the result of a function to the rows of a run.
void write(nb::handle result, const DeviceRows& x, std::int64_t first, std::int64_t rows,
           const std::string& place) {
  const int index = gpu_of(result, place);
  const nb::int_ stream(reinterpret_cast<std::uintptr_t>(x.stream));
  const Tensor D = imported(result, stream);
  check(D, index, {.index = x.index, .rows = rows, .dim = x.dim, .precision = x.precision}, place);
  const nb::gil_scoped_release release;
  x.write(D.data(), first, rows);
}

std::string place_of(const std::string& id) { return concat("denoiser \"", id, "\": the result"); }

}  // namespace

DeviceDenoiser device_denoiser(const Function& function, const std::string& id, Eigen::Index batch) {
  return {.id = id, .function = [function, batch, place = place_of(id)](const DeviceRows& x) {
            x.wait();
            for_each_piece(x.count, batch, [&](Eigen::Index first, Eigen::Index rows) {
              function.call(
                  [&] {
                    const nb::object piece = x.precision == Precision::f32
                                                 ? tensor_of<float>(x, first, rows)
                                                 : tensor_of<double>(x, first, rows);
                    return nb::make_tuple(piece, nb::cast(x.level));
                  },
                  [&](const nb::object& D) { write(D, x, first, rows, place); });
            });
          }};
}

void check_device_result(nb::handle result, nb::handle x, const std::string& id) {
  const std::string place = "Denoiser: x";
  const int index = gpu_of(x, place);
  const Tensor given = imported(x, nb::none());
  require(given.ndim() == 2, place, ": expected a tensor of shape (n, d), given ", given.ndim(), " axes");
  const bool is_single = given.dtype() == nb::dtype<float>();
  require(is_single || given.dtype() == nb::dtype<double>(), place,
          ": expected numbers of the type float32 or ", "float64");
  const int index_of_result = gpu_of(result, place_of(id));
  check(imported(result, nb::none()), index_of_result,
        {.index = index,
         .rows = static_cast<std::int64_t>(given.shape(0)),
         .dim = static_cast<std::int64_t>(given.shape(1)),
         .precision = is_single ? Precision::f32 : Precision::f64},
        place_of(id));
}

}  // namespace gmdiff::python
