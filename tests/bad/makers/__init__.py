"""Damage generators: each function returns the bytes of one hostile or broken file. Nothing here is stored in git."""
