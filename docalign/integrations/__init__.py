"""docalign inside other programs' machinery. Each module needs the program it is for, and nothing else in docalign
needs these: they are imported by whoever uses them."""
