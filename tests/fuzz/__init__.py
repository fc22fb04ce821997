"""Coverage-guided fuzzing of every reader (`make fuzz`); what it found is replayed by `test_replay.py`."""
