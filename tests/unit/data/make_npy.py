"""Writes the .npy fixtures of this folder with NumPy itself (made with NumPy 1.24). Run: python3 make_npy.py"""

import numpy as np

matrix = np.array([[1.5, -2.25, 3.0], [0.1, 1e-300, -1e300]])


def write(name, array, version=None):
    with open(name + ".npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)


write("f8_v1", matrix, (1, 0))
write("f8_v2", matrix, (2, 0))
write("f8_v3", matrix, (3, 0))
write("f4", np.array([[1.5, -2.25], [3.0, 0.1]], dtype="<f4"))
write("f8_vector", np.array([1.0, 2.0, 3.0]))
write("f8_scalar", np.array(2.5))
write("f8_rank3", np.arange(24.0).reshape(2, 3, 4))
write("f8_empty", np.zeros((0, 3)))
write("f8_fortran", np.asfortranarray(matrix))
write("f8_fortran_row", np.asfortranarray(np.array([[1.0, 2.0, 3.0]])))
write("f8_big_endian", matrix.astype(">f8"))
write("i8", np.arange(6).reshape(2, 3))
write("f2", matrix[:1].astype("<f2"))
write("complex", matrix.astype("<c16"))
write("structured", np.zeros(2, dtype=[("a", "<f8"), ("b", "<f4")]))
write("means", np.array([[0.0, 0.0], [2.0, 2.0]]))
write("weights_f4", np.array([0.75, 0.25], dtype="<f4"))
