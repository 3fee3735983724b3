"""The talk: slides with recorded runs that can also be trained live."""

from explorer.talk.file import TalkError, read_talk
from explorer.talk.talk import Talk

__all__ = ["Talk", "TalkError", "read_talk"]
