"""What scripts ask about GPUs gets an answer; what they would do with one raises."""

import pytest

import tensorlite as tl


def test_questions():
    assert not tl.cuda.is_available() and not tl.backends.mps.is_available() and not tl.accelerator.is_available()
    assert not tl.xpu.is_available() and tl.xpu.device_count() == 0 and tl.xpu.manual_seed_all(0) is None
    assert tl.cuda.device_count() == 0 and tl.accelerator.current_accelerator() is None
    tl.cuda.manual_seed(0), tl.cuda.manual_seed_all(0), tl.cuda.empty_cache()
    import tensorlite.backends.cudnn as cudnn

    cudnn.benchmark = True
    cudnn.benchmark = False


def test_uses_raise():
    for use in (tl.cuda.synchronize, tl.cuda.current_device, lambda: tl.cuda.FloatTensor(2)):
        with pytest.raises(AssertionError, match="no CUDA device"):
            use()
