"""The analyst's training: mixes from stems, targets, the task, and its scoreboard."""
