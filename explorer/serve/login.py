"""The login: Jupyter's passwords, tokens and cookies, with a page of ours and a bound on guesses."""

from collections import deque
from math import ceil
from time import monotonic
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler
from tornado.escape import url_escape

from explorer.serve.access import Access
from explorer.serve.refusals import theme_shown

__all__ = ["LoginHandler", "Tries"]

MOST_TRIES = 20
TRIES_SECONDS = 60.0


class Tries:
    """Counts failed logins, so that nobody guesses a password: of one address, `most` may fail in `seconds`."""

    def __init__(self, most: int = MOST_TRIES, seconds: float = TRIES_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._failed: deque[tuple[float, str]] = deque()

    def note(self, address: str) -> None:
        """Count a login from `address` that failed."""
        self._failed.append((monotonic(), address))

    def seconds_to_wait(self, address: str) -> float:
        """Return how long no login from `address` is looked at; 0 for not at all."""
        now = monotonic()
        while self._failed and self._failed[0][0] <= now - self._seconds:
            self._failed.popleft()
        times = [time for time, found in self._failed if found == address]
        return times[-self._most] + self._seconds - now if len(times) >= self._most else 0.0


class LoginHandler(LoginFormHandler):
    """Asks for the password, or for the token."""

    def initialize(self, tries: Tries, access: Access) -> None:
        """Take what counts the failures, and what may be asked for."""
        self._tries, self._access = tries, access

    def get_template(self, name: str) -> Any:
        """Return a template of ours, which is set in the page's colours."""
        return self.settings["voila_jinja2_env"].get_template(name)

    @property
    def template_namespace(self) -> dict[str, Any]:
        """What a template is given."""
        asked = {"password": self._access.hashed_password, "token": self._access.token}
        what = " or ".join(word for word, value in asked.items() if value)
        return super().template_namespace | {"what": what, "theme": theme_shown(self)}

    @allow_unauthenticated
    def post(self) -> None:
        """Let in whoever has the password, unless they have guessed too often."""
        address = self.request.remote_ip or ""
        if seconds := self._tries.seconds_to_wait(address):
            self.set_status(429)
            self.set_header("Retry-After", str(ceil(seconds)))
            again = url_escape(self.get_argument("next", default=self.base_url))
            values = {"next": again, "seconds": ceil(seconds)}
            page: Any = self  # Jupyter's methods have no types
            self.write(page.render_template("login.html", **values))
            return
        post: Any = super().post
        post()
        if self.get_status() == 401:
            self._tries.note(address)
