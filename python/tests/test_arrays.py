"""Arrays in and out."""

import gmdiff as gd
import numpy as np
import pytest
from gpu_tensor import GpuTensor


@pytest.fixture
def samples(prior):
    return gd.draw(prior, count=6)


def address(array):
    return array.__array_interface__["data"][0]


def test_numpy_sees_the_same_memory(samples):
    first, second = samples.numpy(), np.asarray(samples)
    assert address(first) == address(second) == address(np.from_dlpack(samples))


def test_large_results_are_handed_over_without_a_copy(prior):
    samples = gd.draw(prior, count=10**6)
    assert address(np.from_dlpack(samples)) == address(samples.numpy())


def test_views_keep_the_samples_alive(prior):
    view = gd.draw(prior, count=6).numpy()
    tensor = np.from_dlpack(gd.draw(prior, count=6))
    for _ in range(20):
        gd.draw(prior, count=6, seed=1)
    expected = gd.draw(prior, count=6).numpy()
    assert np.array_equal(view, expected)
    assert np.array_equal(tensor, expected)


def test_values_cannot_be_changed(samples):
    with pytest.raises(ValueError, match="read-only"):
        samples.numpy()[0, 0] = 1.0


def test_copies_and_other_types(samples):
    copy = np.array(samples, copy=True)
    copy[:] = 0.0
    assert np.any(samples.numpy() != 0.0)
    assert np.asarray(samples, dtype=np.float64).dtype == np.float64
    assert samples.__dlpack_device__() == (1, 0)
    assert address(np.from_dlpack(samples)) != address(np.array(samples))


def test_capsules_that_nobody_takes_are_given_back(samples):
    for _ in range(1000):
        samples.__dlpack__()


def test_another_device_is_refused(samples):
    with pytest.raises(BufferError, match="another device"):
        samples.__dlpack__(dl_device=(2, 0))


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(lambda x: x, id="float64"),
        pytest.param(lambda x: x.astype(np.float32), id="float32"),
        pytest.param(np.asfortranarray, id="Fortran order"),
        pytest.param(lambda x: np.repeat(x, 2, axis=0)[::2], id="strided"),
        pytest.param(lambda x: x.astype(np.int32), id="int32"),
        pytest.param(lambda x: x.tolist(), id="list"),
        pytest.param(lambda x: x.astype(">f8"), id="other byte order"),
    ],
)
def test_arrays_of_any_layout(prior, convert):
    x = np.array([[0.0, 1.0], [2.0, -1.0], [3.0, 4.0]])
    assert np.array_equal(prior.log_pdf(convert(x)), prior.log_pdf(x))


def test_read_only_arrays_are_taken_and_left_alone(prior):
    x = np.zeros((2, 2))
    x.flags.writeable = False
    prior.score(x)
    assert not x.any()


class Tensor:
    """An object that has nothing but DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_tensors_of_dlpack(prior, samples):
    x = np.array([[0.0, 1.0]])
    assert prior.log_pdf(Tensor(x)) == prior.log_pdf(x)
    assert np.array_equal(prior.log_pdf(samples), prior.log_pdf(samples.numpy()))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_a_tensor_of_a_gpu_is_copied_by_its_library(prior, dtype):
    x = np.array([[0, 1], [2, -1]], dtype)
    assert np.array_equal(prior.log_pdf(GpuTensor(x, copies=True)), prior.log_pdf(x))


def test_tensors_that_stay_on_a_gpu_are_refused(prior):
    message = r"Mixture.log_pdf: x: this tensor cannot be read in host memory; .* \(no copy from the GPU\)"
    with pytest.raises(TypeError, match=message):
        prior.log_pdf(GpuTensor(np.zeros((1, 2))))


def test_points_in_one_dimension():
    normal = gd.Mixture([1.0], [[0.0]], gd.Covariance.spherical([1.0]))
    assert np.array_equal(normal.log_pdf([0.0, 1.0]), normal.log_pdf([[0.0], [1.0]]))


def test_float32_matrices_have_their_own_precision():
    root = np.random.default_rng(1).normal(size=(40, 40)).astype(np.float32)
    covariance = root @ root.T / 40
    nearly = covariance + np.float32(2e-8) * np.triu(np.ones_like(covariance), 1)
    gd.Mixture([1.0], np.zeros((1, 40)), gd.Covariance.tied(nearly))
    with pytest.raises(ValueError, match="symmetric"):
        gd.Mixture([1.0], np.zeros((1, 40)), gd.Covariance.tied(nearly.astype(np.float64)))


def test_torch_takes_the_memory(prior):
    torch = pytest.importorskip("torch")
    samples = gd.draw(prior, count=10**7, precision="f32")
    assert torch.from_dlpack(samples).data_ptr() == address(samples.numpy())
    x = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert prior.log_pdf(x) == prior.log_pdf(x.numpy())
