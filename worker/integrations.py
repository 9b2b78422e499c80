"""What each integration needs to be connected, as data: the names of its variables, and how to try them.

A connection is initialised when all variables of one of the ways are set. Names are those that the clients read, without
the connection's name in front: ``CONN__name``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

Way = tuple[str, ...]

_GOOGLE: tuple[Way, ...] = (("JSON",), ("oauth_AccessToken",), ("oauth_RefreshToken",))
_API_KEY: tuple[Way, ...] = (("api_key",),)
_BOT_TOKEN: tuple[Way, ...] = (("BotToken",),)
_ATLASSIAN: tuple[Way, ...] = (("BaseURL", "Token", "Email"),)
_MICROSOFT: tuple[Way, ...] = (
    ("oauth_access_token",),
    ("private_client_id", "private_client_secret", "private_tenant_id"),
)

WAYS: dict[str, tuple[Way, ...]] = {
    "airtable": (("pat",), ("oauth_refresh_token",)),
    "anthropic": _API_KEY,
    "asana": (("pat",),),
    "auth0": (("oauth_AccessToken", "auth0_domain"),),
    "aws": (("Region", "AccessKeyID", "SecretKey"),),
    "azurebot": (("app_id", "app_password", "tenant_id"),),
    "chatgpt": (("apiKey",),),
    "confluence": _ATLASSIAN,
    "discord": _BOT_TOKEN,
    "github": (("pat",), ("app_id", "install_id", "private_key")),
    "gmail": _GOOGLE,
    "google": _GOOGLE,
    "googlecalendar": _GOOGLE,
    "googledrive": _GOOGLE,
    "googleforms": _GOOGLE,
    "googlegemini": _API_KEY,
    "googlesheets": _GOOGLE,
    "hubspot": (("oauth_RefreshToken",),),
    "jira": _ATLASSIAN,
    "kubernetes": (("config_file",),),
    "linear": (("api_key",), ("oauth_access_token",)),
    "microsoft": _MICROSOFT,
    "microsoft_teams": _MICROSOFT,
    "notion": (("api_key",), ("oauth_access_token",)),
    "pipedrive": (("company_domain", "api_key"),),
    "reddit": (("client_id", "client_secret", "user_agent"),),
    "salesforce": (("oauth_access_token", "instance_url"),),
    "slack": (("BotToken",), ("oauth_access_token",), ("private_bot_token",), ("oauth_AccessToken",)),
    "telegram": _BOT_TOKEN,
    "twilio": (("AccountSID", "Username", "Password"), ("Username", "Password")),
    "youtube": _GOOGLE,
    "zoom": (("oauth_access_token",), ("oauth_refresh_token",)),
    "test": ((),),
}

# What is written on the tin; everything else is kept secret.
PLAIN = frozenset(
    {
        *("auth_type", "auth0_domain", "Region", "BaseURL", "AccessURL", "Email", "enterprise_url"),
        *("company_domain", "instance_url", "tenant_id", "private_tenant_id", "user_agent", "username"),
        *("app_id", "install_id", "client_id", "private_client_id", "AccountSID", "Username", "AccessKeyID"),
        *("oauth_Expiry", "oauth_expiry"),
    }
)


@dataclass(frozen=True)
class Trial:
    """One harmless call that needs the credentials: a helper of the SDK's, and what is called on its client."""

    module: str
    helper: str
    steps: tuple[tuple[str, dict[str, object]], ...]


TRIALS: dict[str, Trial] = {
    "slack": Trial("slack", "slack_client", (("auth_test", {}),)),
    "github": Trial("github", "github_client", (("get_rate_limit", {}),)),
    "gmail": Trial(
        "google", "gmail_client", (("users", {}), ("getProfile", {"userId": "me"}), ("execute", {}))
    ),
    "googlecalendar": Trial(
        "google",
        "google_calendar_client",
        (("calendarList", {}), ("list", {"maxResults": 1}), ("execute", {})),
    ),
    "googledrive": Trial(
        "google", "google_drive_client", (("about", {}), ("get", {"fields": "user"}), ("execute", {}))
    ),
    "youtube": Trial(
        "google",
        "youtube_client",
        (("channels", {}), ("list", {"part": "id", "mine": True}), ("execute", {})),
    ),
}


def is_secret(name: str) -> bool:
    """Whether a variable of a connection is to be hidden."""
    return name not in PLAIN


def missing(integration: str, present: Collection[str]) -> Way:
    """What is still needed, the least of it; nothing when the connection is initialised."""
    ways = WAYS.get(integration, ((),))
    return min((tuple(name for name in way if name not in present) for way in ways), key=len)
