"""What is left out, by name: sparse, quantized and nested tensors raise an error that says so."""


def _refused(name, what):
    def function(*args, **kwargs):
        raise NotImplementedError(f"{name}(): {what} are not supported; use dense tensors")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Raises NotImplementedError: {what} are not supported."
    return function


sparse_coo_tensor = _refused("sparse_coo_tensor", "sparse tensors")
sparse_csr_tensor = _refused("sparse_csr_tensor", "sparse tensors")
sparse_csc_tensor = _refused("sparse_csc_tensor", "sparse tensors")
to_sparse = _refused("to_sparse", "sparse tensors")
of_sparse = _refused("this", "sparse tensors")
to_sparse_csr = _refused("to_sparse_csr", "sparse tensors")
sspaddmm = _refused("sspaddmm", "sparse tensors")
quantize_per_tensor = _refused("quantize_per_tensor", "quantized tensors")
quantize_per_channel = _refused("quantize_per_channel", "quantized tensors")
dequantize = _refused("dequantize", "quantized tensors")
to_padded_tensor = _refused("to_padded_tensor", "nested tensors")
