"""docalign over HTTP. `docalign serve` starts it; nothing in `docalign/` imports it.

Modules here import each other relatively: in a checkout this folder is the package, in a wheel it is
`docalign_service`.
"""
