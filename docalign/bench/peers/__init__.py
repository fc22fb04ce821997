"""Adapters, one small file a library: an `Ask` in, its chunks out, nothing mended on the way.

Libraries are imported when a peer is loaded. Each runs with the defaults its documentation gives, but for the sizes,
the counter and, where it embeds, MiniLM.
"""
