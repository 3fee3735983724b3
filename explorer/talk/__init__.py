"""The talk: slides whose runs are recorded, and can be trained live."""

from explorer.talk.talk import Talk

__all__ = ["Talk"]
