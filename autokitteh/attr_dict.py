"""A dictionary whose keys can be read as attributes: ``event.data.body.text``."""

from __future__ import annotations

from typing import Any


class AttrDict(dict[str, Any]):
    """Dictionary with attribute access, used for event data.

    Nested dictionaries are wrapped when they are reached through an attribute. Item access gives what is stored. Names
    of dictionary methods (``items``, ``keys``, ``get`` …) stay methods: use item access for keys of these names.

    Example:
        >>> AttrDict({"body": {"text": "hello"}}).body.text
        'hello'
    """

    def __getattr__(self, name: str) -> Any:
        """The value under a key.

        Raises:
            AttributeError: there is no such key.
        """
        try:
            value = self[name]
        except KeyError:
            raise AttributeError(f"there is no key {name!r}", name=name, obj=self) from None
        return AttrDict(value) if isinstance(value, dict) and not isinstance(value, AttrDict) else value

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: data is changed by item assignment.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(f"set {name!r} by item assignment: data[{name!r}] = …")

    def __dir__(self) -> list[str]:
        """Keys and methods, for completion."""
        return [*super().__dir__(), *(str(key) for key in self)]

    def __copy__(self) -> AttrDict:
        """A shallow copy."""
        return AttrDict(self)

    def __reduce__(self) -> tuple[type[AttrDict], tuple[dict[str, Any]]]:
        """Pickled as a plain dictionary in an AttrDict."""
        return AttrDict, (dict(self),)
