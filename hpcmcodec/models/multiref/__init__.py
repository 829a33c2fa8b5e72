"""The memory bank: earlier contexts of the traversal, from which later steps recall what is most alike.

A bank is a value that the traversal hands from step to step. Nothing is signalled: every context follows from the hyper
parameters and from latents decoded before, so encoder and decoder own the same bank.
"""
