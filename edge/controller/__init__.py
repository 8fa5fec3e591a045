"""The other end of contract eb/1: a client library and `edgectl`.

It stands at the far end of the wire, so it may use the link's packet engine and envelope and the
vault's keys; nothing of the box imports it but the composition root.
"""
