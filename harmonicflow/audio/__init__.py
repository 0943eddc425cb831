"""Sound files, resampling, loudness, peaks and seams."""
