"""``nmt translate``: its options, its inputs and outputs, its pictures."""
