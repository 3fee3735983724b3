"""The gate of a class: other names, and a login, Jupyter's with a page of ours and a limit on guesses."""

from collections import deque
from math import ceil
from time import monotonic
from typing import Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler
from jupyter_server.base.handlers import JupyterHandler
from tornado.escape import url_escape
from tornado.web import Application

from explorer.extensions.classroom.pool import ClassAccess
from explorer.serve.gate import CROSS_SITE, Gate, theme_shown, write_refusal

NO_TARGET = "The address to open after the login is not valid."
MOST_TRIES, TRIES_SECONDS = 20, 60.0  # failed logins allowed per address in this time


class ClassGate(Gate):
    """Answers to the names that were allowed, too; in a hub to any, for its proxy passes its own name on."""

    def __init__(self, app: Application, ip: str, access: ClassAccess) -> None:
        super().__init__(app, ip)
        self._access = access

    def is_own(self, name: str) -> bool:
        return self._access.is_in_hub or name.rstrip(".") in self._access.names or super().is_own(name)


class Tries:
    """Limits password guessing: at most `most` logins from one address may fail in `seconds`."""

    def __init__(self, most: int = MOST_TRIES, seconds: float = TRIES_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._failed: deque[tuple[float, str]] = deque()

    def note(self, address: str) -> None:
        """Count a failed login from `address`."""
        self._failed.append((monotonic(), address))

    def seconds_to_wait(self, address: str) -> float:
        """Return the seconds until logins from `address` are accepted again; 0 if they are."""
        now = monotonic()
        while self._failed and self._failed[0][0] <= now - self._seconds:
            self._failed.popleft()
        times = [time for time, found in self._failed if found == address]
        return times[-self._most] + self._seconds - now if len(times) >= self._most else 0.0


class LogoutHandler(JupyterHandler):
    """Makes the browser forget its login."""

    @allow_unauthenticated
    def get(self) -> None:
        self.identity_provider.clear_login_cookie(self)
        self.redirect(f"{self.base_url}login")

    def write_error(self, status_code: int, **_: Any) -> None:
        write_refusal(self, status_code, CROSS_SITE)  # Jupyter's page needs more than the server has


class LoginHandler(LoginFormHandler):
    """Asks for the password, or for the token."""

    def initialize(self, tries: Tries, access: ClassAccess) -> None:
        self._tries, self._access = tries, access

    def get_template(self, name: str) -> Any:
        return self.settings["voila_jinja2_env"].get_template(name)

    @property
    def template_namespace(self) -> dict[str, Any]:
        what = " or ".join(self._access.asked)
        return super().template_namespace | {"what": what, "theme": theme_shown(self)}

    def _redirect_safe(self, url: str, default: str | None = None) -> None:
        try:
            cast("Any", super())._redirect_safe(url, default)
        except ValueError:  # a line break, or no host
            self.clear()
            self.set_status(400)
            write_refusal(self, 400, NO_TARGET)

    @allow_unauthenticated
    def post(self) -> None:
        """Log in with a password or token, unless too many logins from this address have failed."""
        address, jupyters = self.request.remote_ip or "", cast("Any", super())  # whose methods have no types
        if seconds := self._tries.seconds_to_wait(address):
            self.set_status(429)
            self.set_header("Retry-After", str(ceil(seconds)))
            again = url_escape(self.get_argument("next", default=self.base_url))
            self.write(jupyters.render_template("login.html", next=again, seconds=ceil(seconds)))
            return
        jupyters.post()
        if self.get_status() == 401:
            self._tries.note(address)
