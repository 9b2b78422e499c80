"""What is known about other people's code, as data. Each rule carries its reason.

Names are matched against ``module`` or ``module.qualname`` of a callable, the longest match first. What no rule knows is
an activity: one step too many costs milliseconds, one too few breaks a replay.
"""

from __future__ import annotations

from typing import Final

PURE_MODULE: Final = "computes from its arguments only"
IN_MEMORY: Final = "its state is in memory and is rebuilt by replay"
READS_FILES: Final = "touches files or the network"
FIXED: Final = "fixed for the life of a deployment"
LIVE: Final = "belongs to an object that lives in this process only"

# Whole modules whose functions and types run where they are called.
PURE_MODULES: Final[dict[str, str]] = dict.fromkeys(
    ["abc", "array", "ast", "base64", "binascii", "bisect", "bz2", "calendar", "cmath", "codecs", "collections", "collections.abc", "colorsys", "contextlib", "contextvars", "copy", "copyreg", "csv", "_csv", "dataclasses", "datetime", "_datetime", "decimal", "_decimal", "difflib", "dis", "email", "enum", "errno", "fnmatch", "fractions", "functools", "_functools", "gc", "getopt", "gettext", "graphlib", "gzip", "hashlib", "_hashlib", "_blake2", "_sha1", "_sha2", "_sha256", "_sha512", "_sha3", "_md5", "heapq", "_heapq", "hmac", "html", "html.entities", "html.parser", "inspect", "io", "_io", "ipaddress", "itertools", "json", "json.decoder", "json.encoder", "json.scanner", "_json", "keyword", "linecache", "locale", "lzma", "_lzma", "marshal", "math", "mimetypes", "numbers", "operator", "_operator", "optparse", "pickle", "_pickle", "plistlib", "posixpath", "ntpath", "genericpath", "pprint", "pyclbr", "quopri", "re", "_sre", "re._compiler", "re._parser", "reprlib", "rlcompleter", "sched", "secrets.compare_digest", "shlex", "statistics", "string", "_string", "stringprep", "struct", "_struct", "symtable", "sys", "textwrap", "tokenize", "token", "tomllib", "traceback", "types", "typing", "unicodedata", "urllib.error", "urllib.parse", "urllib.request.Request", "urllib.request.Request", "warnings", "weakref", "_weakref", "xml", "xml.dom", "xml.dom.minidom", "xml.dom.pulldom", "xml.etree.ElementTree", "xml.parsers.expat", "xml.sax", "pyexpat", "_elementtree", "zlib", "zoneinfo", "_zoneinfo", "argparse", "configparser", "logging", "string.templatelib", "graphlib", "cProfile", "timeit.default_timer", "queue", "_queue", "threading", "_thread", "concurrent.futures", "_collections", "_collections_abc", "_abc", "_random", "_bisect", "_statistics", "importlib", "importlib.metadata", "importlib.resources", "importlib.util", "_frozen_importlib", "_frozen_importlib_external", "builtins", "atexit", "faulthandler"],
    PURE_MODULE,
)

# Third-party libraries that compute and nothing else, by top-level name.
PURE_LIBRARIES: Final[dict[str, str]] = dict.fromkeys(
    ["pydantic", "pydantic_core", "annotated_types", "typing_extensions", "attr", "attrs", "numpy", "pandas", "bs4", "soupsieve", "lxml", "dateutil", "jinja2", "markupsafe", "yaml", "_yaml", "markdown", "markdown_it", "mdurl", "pytz", "tzdata", "tzlocal", "regex", "orjson", "simplejson", "tabulate", "marshmallow", "cattrs", "more_itertools", "toolz", "sortedcontainers", "frozendict", "multidict", "yarl", "rapidfuzz", "Levenshtein", "unidecode", "slugify", "humanize", "babel", "inflect", "phonenumbers", "validators", "jsonschema", "jsonpath_ng", "jmespath", "toml", "tomli", "tomlkit", "xmltodict", "html2text", "mistune", "deepdiff", "networkx", "sympy", "shapely", "croniter", "parse", "pyparsing", "packaging", "semver", "idna", "charset_normalizer", "chardet", "certifi"],
    PURE_MODULE,
)

# Exceptions to the two tables above: these do reach outside.
OUTSIDE: Final[dict[str, str]] = dict.fromkeys(
    ["pandas.read_csv", "pandas.read_excel", "pandas.read_json", "pandas.read_html", "pandas.read_xml", "pandas.read_parquet", "pandas.read_pickle", "pandas.read_sql", "pandas.read_sql_query", "pandas.read_sql_table", "pandas.read_table", "pandas.read_feather", "pandas.read_hdf", "pandas.read_fwf", "pandas.read_clipboard", "pandas.read_stata", "pandas.read_gbq", "pandas.io", "pandas.core.generic.NDFrame.to_csv", "numpy.load", "numpy.save", "numpy.savez", "numpy.loadtxt", "numpy.savetxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.random", "yarl.cache_configure", "lxml.etree.parse", "xml.etree.ElementTree.parse", "xml.dom.minidom.parse", "logging.handlers", "logging.config", "logging.FileHandler", "bz2.open", "gzip.open", "lzma.open", "io.open_code", "concurrent.futures.process", "locale.setlocale", "importlib.resources.files", "importlib.metadata.distributions", "mimetypes.init", "mimetypes.read_mime_types", "webbrowser", "gc.collect", "linecache.updatecache", "jsonschema.RefResolver", "genericpath.exists", "genericpath.isfile", "genericpath.isdir", "genericpath.getsize", "genericpath.getmtime", "genericpath.getatime", "genericpath.getctime", "genericpath.samefile", "posixpath.exists", "posixpath.islink", "posixpath.lexists", "posixpath.ismount", "posixpath.realpath", "io.FileIO"],
    READS_FILES,
)

# Single functions that are pure although their module is not.
PURE_FUNCTIONS: Final[dict[str, str]] = {
    **dict.fromkeys(
        ["os.fspath", "os.fsencode", "os.fsdecode", "os.strerror", "os.get_exec_path", "os.cpu_count", "time.mktime", "time.strptime", "time.struct_time", "time.get_clock_info", "calendar.timegm", "uuid.UUID", "uuid.uuid3", "uuid.uuid5", "secrets.compare_digest", "random.Random", "glob.escape", "shutil.get_terminal_size", "shutil.get_archive_formats", "socket.inet_aton", "socket.inet_ntoa", "socket.inet_pton", "socket.inet_ntop", "socket.htons", "socket.ntohs", "socket.htonl", "ssl.create_default_context", "asyncio.iscoroutinefunction", "asyncio.iscoroutine", "http.HTTPStatus", "tempfile.gettempprefix", "platform.python_version", "requests.structures.CaseInsensitiveDict", "requests.utils.quote", "requests.compat.urljoin", "requests.models.Response.json", "requests.models.Response.raise_for_status", "httpx._models.Response.json", "httpx._models.Response.raise_for_status", "httpx._models.Response.read", "httpx._urls.URL"],
        PURE_MODULE,
    ),
    **dict.fromkeys(
        ["os.getenv", "os.getenvb", "os.environ.get", "os._Environ.get", "os._Environ.keys", "os._Environ.items", "os._Environ.values", "os._Environ.copy", "os._Environ.__getitem__", "os._Environ.__contains__", "os._Environ.setdefault", "os._Environ.pop", "os._Environ.update", "os.putenv", "os.unsetenv", "os.getcwd", "os.getpid", "os.name", "platform.system", "platform.machine"],
        FIXED,
    ),
}

# Types (by module and name) whose methods belong to an object of this process: a call uses the live object.
LIVE_TYPES: Final[dict[str, str]] = dict.fromkeys(
    ["socket.socket", "_socket.socket", "ssl.SSLSocket", "sqlite3.Connection", "sqlite3.Cursor", "_sqlite3.Connection", "http.client.HTTPConnection", "http.client.HTTPSConnection", "http.client.HTTPResponse", "smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "ftplib.FTP_TLS", "imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL", "subprocess.Popen", "zipfile.ZipFile", "tarfile.TarFile", "mmap.mmap", "selectors.DefaultSelector", "shelve.Shelf", "dbm.dumb._Database"],
    LIVE,
)

# Constructors that reach outside; those of all other types run where they are called.
OUTSIDE_CONSTRUCTORS: Final[dict[str, str]] = dict.fromkeys(
    ["subprocess.Popen", "smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib.FTP", "ftplib.FTP_TLS", "imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL", "zipfile.ZipFile", "tarfile.TarFile", "mmap.mmap", "shelve.DbfilenameShelf", "tempfile.TemporaryDirectory", "tempfile.SpooledTemporaryFile", "sqlite3.Connection"],
    READS_FILES,
)

# Path objects: these methods only compute, all others touch the disk.
PURE_PATH_METHODS: Final[frozenset[str]] = frozenset(
    ["as_posix", "as_uri", "is_absolute", "is_relative_to", "is_reserved", "joinpath", "match", "relative_to", "with_name", "with_stem", "with_suffix", "with_segments", "full_match", "__truediv__", "__rtruediv__", "__fspath__", "__str__", "__repr__", "__hash__", "__eq__"]
)

# Threads cannot be part of a deterministic session.
REFUSED: Final[dict[str, str]] = dict.fromkeys(
    ["threading.Thread.start", "threading.Timer.start", "concurrent.futures.thread.ThreadPoolExecutor.submit", "concurrent.futures.thread.ThreadPoolExecutor.map", "concurrent.futures._base.Executor.map", "os.fork", "_thread.start_new_thread", "signal.signal", "signal.alarm", "asyncio.run", "asyncio.runners.run", "multiprocessing.process.BaseProcess.start", "concurrent.futures.process.ProcessPoolExecutor.submit"],
    "a session runs on one thread, so that it replays the same way; put this into a function marked @autokitteh.activity",
)
