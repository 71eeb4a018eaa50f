"""The door to TensorBoard."""

import pytest

import tensorlite as tl
from tensorlite.utils.tensorboard import SummaryWriter


def test_event_files_from_tensors(tmp_path):
    pytest.importorskip("tensorboardX")
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalar("loss", tl.tensor(1.5, requires_grad=True), 1)
        writer.add_histogram("weights", tl.arange(10), 1)
        writer.add_image("image", tl.rand(3, 4, 5))
        with pytest.raises(NotImplementedError, match="viz"):
            writer.add_graph(None)
    (events,) = tmp_path.glob("events*")
    content = events.read_bytes()
    assert b"loss" in content and b"weights" in content
