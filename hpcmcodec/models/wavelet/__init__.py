"""The wavelet family: the Haar bands of the latent are coded one after another, the low band first, as the prior of the
others (idea: WeConvene, arXiv 2407.09983). Phases add parts, settings choose them; see config.py."""
