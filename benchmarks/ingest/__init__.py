"""Benchmarks of ingestion: one script per number, each with its own data, runnable alone."""
