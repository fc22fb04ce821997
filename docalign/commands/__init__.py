"""What the commands of the command line do; `cli.py` only declares their arguments and calls in here, lazily."""
