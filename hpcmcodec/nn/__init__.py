"""Tensors' operations and layers. A network is written once over `ops` and runs on numpy arrays (native kernels with
normative arithmetic) or on torch tensors (training)."""
