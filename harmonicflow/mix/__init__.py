"""Channel strips and the mix bus."""
