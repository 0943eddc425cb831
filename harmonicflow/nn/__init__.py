"""The networks in torch: codec and performer."""
