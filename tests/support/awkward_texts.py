"""Texts in which offsets go wrong when they are looked for instead of known."""

from __future__ import annotations

__all__ = ["AWKWARD"]

_SAME = "The committee reviewed the report and asked for a second sample.\n\n"

AWKWARD = {
    "passages that stand several times": "# One\n\n" + _SAME * 3 + "# Two\n\n" + _SAME * 4 + "\n" + _SAME,
    "a byte-order mark": "\ufeff# Title\n\nBody of the text.\n\n## Next\n\nMore of it.\n",
    "line ends of Windows": "# Title\r\n\r\nBody of the text.\r\n\r\n- one\r\n- two\r\n",
    "blanks around it": "\n\n   \n# Title\n\nBody of the text.\n\n\n\n## Next\n\nMore of it.\n\n\n\t\n",
    "letters outside the basic plane": "# 𝔗𝔦𝔱𝔩𝔢 👩‍👩‍👧‍👦\n\nNaïve café — e\u0301tude. 你好,世界。\n\n" * 6,
    "one long line": "word " * 400,
    "a control character": "# Title\n\nBody\x0c of the\x00 text.\n",
}
"""What is awkward → a text."""
