"""Bidirectional linear attention (RWKV) in the context model, after LALIC (CVPR 2025): blocks of token
mixing by WKV and of channel mixing, each behind a depthwise 5x5 neighbourhood, in place of window attention and
depthwise blocks."""
