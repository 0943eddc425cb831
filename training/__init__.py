"""Corpus, training loops and evaluation."""
