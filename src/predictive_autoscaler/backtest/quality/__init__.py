"""The one measurement behind the README's table: every policy on every named recording.

`plan` says what is replayed, `cache` keeps what is finished, `run` does it side by side,
`frontier` and `aims` judge it, and `tables` writes it down.
"""
