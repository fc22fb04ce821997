"""PDF files: opening, the text layer, triage, damage, forms, outline and tags."""
