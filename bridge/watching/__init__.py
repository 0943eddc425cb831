"""A watch folder: clips that are dropped into it get a take beside them."""
