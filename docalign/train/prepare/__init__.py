"""Gold from what people have: structured files and corpora become `docalign.gold/1` lines (`docalign data build`).

`sources` reads files into structured documents, `duplicates` drops those that repeat an earlier one, `plan` draws
windows and sizes, `make` turns a draw into a line, and `run` writes them so that a killed build goes on.
"""

from docalign.train.prepare.run import BuildOptions, BuildReport, build_gold

__all__ = ["BuildOptions", "BuildReport", "build_gold"]
