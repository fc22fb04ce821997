"""docalign: PDFs and scans into chunks, with a chunker people can teach."""

__version__ = "0.1.0"
