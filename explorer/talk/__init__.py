"""The talk: slides with recorded runs that can also be trained live."""

from explorer.talk.talk import Talk

__all__ = ["Talk"]
