"""The networks: configurations, parts, traversal, and the store of model files."""
