"""A tensor that says that it is in the memory of a GPU, for tests on machines without one."""

import ctypes

CPU, CUDA = 1, 2


class GpuTensor:
    """Only its shape and type may be read; with `copies`, its library copies it to the host."""

    def __init__(self, array, index=0, copies=False):
        self.array, self.index, self.copies = array, index, copies

    # Arithmetic of the library that has the tensor.
    def __mul__(self, number):
        return GpuTensor(self.array * self.array.dtype.type(number), self.index)

    def __truediv__(self, number):
        return GpuTensor(self.array / self.array.dtype.type(number), self.index)

    def __add__(self, other):
        return GpuTensor(self.array + other.array, self.index)

    def __sub__(self, other):
        return GpuTensor(self.array - other.array, self.index)

    def __dlpack_device__(self):
        return (CUDA, self.index)

    def __dlpack__(self, *, stream=None, dl_device=None):
        if dl_device == (CPU, 0):
            if not self.copies:
                raise BufferError("no copy from the GPU")
            return self.array.copy().__dlpack__()
        capsule = self.array.__dlpack__()
        # A DLManagedTensor begins with the address of the values, then the type and the index of the device.
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        tensor = pointer(capsule, b"dltensor")
        device = (ctypes.c_int32 * 2).from_address(tensor + ctypes.sizeof(ctypes.c_void_p))
        device[0], device[1] = CUDA, self.index
        return capsule
