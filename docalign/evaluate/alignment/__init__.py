"""The report on alignment: what a policy was before and what it is after, and whether the change is what was wanted.

`policies` reads what is compared, `measure` measures one policy, `compare` sets the measures side by side (the JSON
twin), `page` draws it. Nothing here trains. Needs the extra `train`.
"""
