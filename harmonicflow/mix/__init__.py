"""Channel strips, the bus and its limiter."""
