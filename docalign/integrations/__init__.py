"""docalign inside other programs' machinery. Each integration needs the program it is for, and nothing here does."""
