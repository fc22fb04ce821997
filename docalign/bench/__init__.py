"""`docalign bench`: docalign beside other chunkers, in one run, on the same documents, with the same counter.

It measures what people choose a chunker by: boundaries against gold, retrieval at an equal budget, promises kept, and
cost. Nothing here is needed to chunk; the extra `bench` brings the peers, and one that is not there is listed as such.

    data ──▶ gold lines, questions ──▶ peers ──place──▶ spans ──▶ measurements ──▶ one JSON ──▶ page, README's table
"""
