"""The fitted layers as cold_room.onnx and its card, the same bytes for the same layers."""

import base64
import hashlib
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.card import MODEL_BYTES, Card, Golden, Layer
from models.predict import INPUT, NAME, OUTPUT
from models.train.fit import Layers

OPSET = 13
IR_VERSION = 8


def onnx_bytes(layers: Layers, horizons: int) -> bytes:
    """Dense layers with ReLU between; then low, middle and high change for each horizon."""
    nodes, tensors = [], []
    value = INPUT
    for index, (weight, bias) in enumerate(layers):
        tensors.append(numpy_helper.from_array(weight, f"weight_{index}"))
        tensors.append(numpy_helper.from_array(bias, f"bias_{index}"))
        dense = f"dense_{index}"
        nodes.append(helper.make_node("Gemm", [value, f"weight_{index}", f"bias_{index}"], [dense]))
        value = dense
        if index < len(layers) - 1:
            value = f"relu_{index}"
            nodes.append(helper.make_node("Relu", [dense], [value]))
    sizes = np.array([horizons] * 3, dtype=np.int64)
    tensors.append(numpy_helper.from_array(sizes, "sizes"))
    nodes += [
        helper.make_node("Split", [value, "sizes"], ["middle", "below", "above"], axis=1),
        helper.make_node("Softplus", ["below"], ["width_below"]),
        helper.make_node("Softplus", ["above"], ["width_above"]),
        helper.make_node("Sub", ["middle", "width_below"], ["low"]),
        helper.make_node("Add", ["middle", "width_above"], ["high"]),
        helper.make_node("Concat", ["low", "middle", "high"], [OUTPUT], axis=1),
    ]
    columns = layers[0][0].shape[0]
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", columns])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", 3 * horizons])],
        tensors,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def card_layers(layers: Layers) -> list[Layer]:
    return [
        Layer(
            rows=weight.shape[0],
            columns=weight.shape[1],
            weight=base64.b64encode(weight.astype("<f4").tobytes()).decode(),
            bias=base64.b64encode(bias.astype("<f4").tobytes()).decode(),
        )
        for weight, bias in layers
    ]


def write(folder: Path, data: bytes, card: Card, golden: Golden) -> Card:
    """Write both files; ValueError when the network is too large to ship."""
    if len(data) > MODEL_BYTES:
        raise ValueError(f"{len(data)} bytes of network, {MODEL_BYTES} are allowed")
    finished = msgspec.structs.replace(
        card, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), golden=golden
    )
    (folder / f"{NAME}.onnx").write_bytes(data)
    text = msgspec.json.format(msgspec.json.encode(finished), indent=1)
    (folder / f"{NAME}.json").write_bytes(text + b"\n")
    return finished
