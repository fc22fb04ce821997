"""Pages of words to a Document: furniture, reading order, blocks, headings, text."""
