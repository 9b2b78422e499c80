"""What a request is told that was not taken, or that got no answer; each with a code the documentation explains.

The texts begin with the words of the HTTP status and say nothing about the installation: anybody may read them.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse

TEXTS = {
    "AK3404": "Not Found: nothing is at this URL",
    "AK3408": "Request Timeout: the body did not arrive in time",
    "AK3413": "Request Entity Too Large",
    "AK3429": "Resource Exhausted: too many requests at once, try again",
    "AK3500": "Internal Server Error: the request was not taken, try again",
    "AK3501": "Internal Server Error: the session failed",
    "AK3502": "Bad Gateway: no session was started",
    "AK3504": "Gateway Timeout: the session has not answered yet",
}
_STATUS = {"AK3501": 500}


def refusal(code: str, more: str = "", headers: dict[str, str] | None = None) -> PlainTextResponse:
    """The answer of a code: ``AK3404`` has the status 404, and so on.

    Args:
        code: one of ``TEXTS``.
        more: what else there is to say, behind a colon.
        headers: of the response.
    """
    text = f"{TEXTS[code]}: {more}" if more else TEXTS[code]
    return PlainTextResponse(f"{text} [{code}]", _STATUS.get(code) or int(code[3:]), headers)
