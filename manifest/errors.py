"""What can be wrong with a manifest. Codes are stable and stand in the documentation.

ManifestError
└── FilterError, FilterSyntaxError live in ``filters``
"""

from __future__ import annotations

from dataclasses import dataclass

CODES = {
    "AK2001": "the file is not YAML",
    "AK2002": "a key is not known",
    "AK2003": "a key is given twice",
    "AK2004": "a value has the wrong type",
    "AK2005": "a name is malformed",
    "AK2006": "a name is used twice",
    "AK2007": "a required key is missing",
    "AK2008": "the version is not v1 or v2",
    "AK2009": "a trigger has no kind, or two",
    "AK2010": "a schedule cannot be understood",
    "AK2011": "a call is not file.py:function",
    "AK2012": "a handler does not exist in the project",
    "AK2013": "a filter does not compile",
    "AK2014": "an integration is not known",
    "AK2015": "a connection is used but not declared",
    "AK2016": "a Python file has a syntax error",
    "AK2017": "a filter has no value for an event",
}


class ManifestError(Exception):
    """A manifest cannot be used."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with its place; ``severity`` is error or warning."""

    path: str
    line: int
    column: int
    message: str
    code: str
    severity: str = "error"
    hint: str = ""
