"""The network in ONNX Runtime, and whether it is the one that ``model.json`` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smearlab.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from smearlab.inference.info import ModelInfo

INPUT, LOGITS, FEATURES = "images", "logits", "features"


class Signature(NamedTuple):
    """Name, type and shape of one input or output; a free dimension is None."""

    name: str
    type: str
    shape: tuple[int | None, ...]


def open_session(network: bytes, where: str, threads: int | None = None) -> InferenceSession:
    """Open a network in ONNX Runtime on the CPU.

    Args:
        network: the contents of ``model.onnx``.
        where: the file's name for the error message.
        threads: CPU threads; None takes as many as there are cores.

    Raises:
        ModelError: not a network that this ONNX Runtime can run, or `threads` is less than 1.
    """
    # Imported here, because it takes a tenth of a second that `import smearlab` should not cost.
    import onnxruntime

    if threads is not None and threads < 1:
        raise ModelError(f"threads must be at least 1, but got {threads}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own error classes share no documented parent
        reason = str(error).splitlines()[0][:200]
        raise ModelError(
            f"{where} cannot be run by ONNX Runtime {onnxruntime.__version__} ({reason})."
            " Copy the model folder again, whole, or install a newer onnxruntime."
        ) from None


def check_signature(session: InferenceSession, info: ModelInfo, where: str) -> int:
    """Check that the network takes and gives what ``model.json`` says.

    Returns:
        The number of features.

    Raises:
        ModelError: it does not.
    """
    size, classes = info.framing.size, len(info.class_names)
    inputs = [_signature(node) for node in session.get_inputs()]
    outputs = {node.name: _signature(node) for node in session.get_outputs()}
    if inputs != [Signature(INPUT, "tensor(uint8)", (None, size, size, 3))]:
        raise ModelError(f"{where} must take only '{INPUT}' uint8 (n, {size}, {size}, 3), but takes {_say(inputs)}.")
    if set(outputs) != {LOGITS, FEATURES}:
        raise ModelError(f"{where} must give '{LOGITS}' and '{FEATURES}', but gives {', '.join(outputs)}.")
    if outputs[LOGITS] != Signature(LOGITS, "tensor(float)", (None, classes)):
        raise ModelError(
            f"{where} must give '{LOGITS}' float32 (n, {classes}) for the {classes} classes of model.json, but gives"
            f" {_say([outputs[LOGITS]])}. The files belong to different models: export again."
        )
    shape = outputs[FEATURES].shape
    if outputs[FEATURES].type != "tensor(float)" or len(shape) != 2 or shape[0] is not None or not shape[1]:
        raise ModelError(f"{where} must give '{FEATURES}' float32 (n, d), but gives {_say([outputs[FEATURES]])}.")
    return shape[1]


def _signature(node) -> Signature:  # type: ignore[no-untyped-def]  # noqa: ANN001 - ONNX Runtime's NodeArg
    return Signature(node.name, node.type, tuple(n if isinstance(n, int) else None for n in node.shape))


def _say(signatures: list[Signature]) -> str:
    shapes = (f"'{s.name}' {s.type} ({', '.join(str(n or 'n') for n in s.shape)})" for s in signatures)
    return ", ".join(shapes) or "nothing"
