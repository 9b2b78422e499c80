"""Values across boundaries: JSON where JSON is exact, signed pickles where it is not, references for what has a name.

Knows nothing of Temporal but the converter, and nothing of user code but the ``References`` it is given.
"""

from __future__ import annotations
