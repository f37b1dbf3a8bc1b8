"""Addresses and tensors that the tests share."""

import os

import numpy as np
import tritonclient.grpc
import tritonclient.http

HTTP, GRPC, METRICS = (os.environ[f"NEREID_{name}"] for name in ("HTTP", "GRPC", "METRICS"))
CLIENTS = ((tritonclient.http, HTTP), (tritonclient.grpc, GRPC))


def vector(module, values):
    tensor = module.InferInput("INPUT0", [len(values)], "FP32")
    tensor.set_data_from_numpy(np.asarray(values, dtype=np.float32))
    return [tensor]
