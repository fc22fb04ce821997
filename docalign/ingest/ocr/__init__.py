"""Page images and OCR engines: an image becomes the words of a page."""
