"""What every part shares: instruments, tempo, messages, wire, errors, paths."""
