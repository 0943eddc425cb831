"""Free words to numbers: a tokenizer, a static table of token vectors, and the tags they lie next to."""
