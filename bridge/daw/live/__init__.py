"""The bridge into Ableton Live: its installer, and the control surface that runs inside Live."""
