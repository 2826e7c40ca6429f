"""Proof that a framework trains the same network as the oracle, or where it does not.

`examine` holds an adapter against the float64 reference; `certify` has that done in a process of
its own and keeps what came out.
"""
