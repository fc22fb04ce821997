"""The parts of `benchmarks/chunk.py`: inputs, arms, memory, machine facts, tables. Not for import by anything else."""
