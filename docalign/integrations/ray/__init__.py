"""A corpus on a Ray cluster: `docalign chunk --engine ray` (extra `ray`).

    files ──tasks: read──▶ documents ──actors that hold the model: chunk──▶ rows ──tasks: write──▶ Parquet parts

`places` finds files on disks and in object stores, `work` is what happens to one of them, `parts` the output and what
of it is finished, `run` the dataflow. What goes between machines is JSON in bytes; a machine that dies costs what it
had in hand, which Ray has others do again.
"""
