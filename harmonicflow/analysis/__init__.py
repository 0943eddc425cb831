"""What is heard in a clip: key, chords, guide curves; and the words of a prompt."""
