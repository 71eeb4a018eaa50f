"""What is left out, by name: functions that can be imported and raise an error where they are called."""

from ..engine import titled


def refused(name, why):
    """A function ``name`` that raises NotImplementedError with the reason, and with what to do instead."""

    @titled(name.rpartition(".")[2], f"Not supported: {why}.")
    def function(*args, **kwargs):
        raise NotImplementedError(f"{name}() is not supported: {why}")

    return function


_SPARSE = "there are no sparse tensors; use dense ones"
_QUANTIZED = "there are no quantized tensors; use floating-point ones"

sparse_coo_tensor = refused("sparse_coo_tensor", _SPARSE)
sparse_csr_tensor = refused("sparse_csr_tensor", _SPARSE)
sparse_csc_tensor = refused("sparse_csc_tensor", _SPARSE)
to_sparse = refused("to_sparse", _SPARSE)
of_sparse = refused("this", _SPARSE)
to_sparse_csr = refused("to_sparse_csr", _SPARSE)
sspaddmm = refused("sspaddmm", _SPARSE)
quantize_per_tensor = refused("quantize_per_tensor", _QUANTIZED)
quantize_per_channel = refused("quantize_per_channel", _QUANTIZED)
dequantize = refused("dequantize", _QUANTIZED)
to_padded_tensor = refused("to_padded_tensor", "there are no nested tensors; pad to one length")
