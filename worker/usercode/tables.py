"""What is known about other people's code, as data. Every rule carries its reason.

``RULES`` maps dotted names (``module``, ``module.function``, ``module.Class``, ``module.Class.method``) to a rule; the
longest name that is a prefix of the callable's own name wins. Names are canonical: ``_socket`` is written ``socket``,
``posix`` is ``os``, ``pathlib._local`` is ``pathlib`` (``callees.canonical``).

What no rule knows is an activity: one step too many costs milliseconds, one too few breaks a replay. So only what is
sure to compute from its arguments and from memory stands here as inline.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """How calls are made, and why. ``kind``: inline, activity, local, open or refuse."""

    kind: str
    reason: str


_PURE: Final = Rule("inline", "computes from its arguments only")
_IN_MEMORY: Final = Rule("inline", "its state is in memory and is rebuilt by replay")
_FIXED: Final = Rule("inline", "fixed for the life of a deployment, or the session's own")
_LAZY: Final = Rule("inline", "makes a client and calls nobody yet")
_OUTSIDE: Final = Rule("activity", "touches files, the network or the machine")
_NOW: Final = Rule("activity", "uses the clock or chance inside")
_OPENS: Final = Rule("open", "opens a file: reading the project's is fine, the guard reports others")
_LIVE: Final = Rule("local", "belongs to an object that lives in this process only")
_IN_ACTIVITY: Final = "put this into a function marked @autokitteh.activity"
_TEMPORARY: Final = Rule(
    "refuse", f"a temporary file or directory is gone before a replay comes to look for it; {_IN_ACTIVITY}"
)
_THREADS: Final = Rule(
    "refuse", f"a session runs on one thread, so that it replays the same way; {_IN_ACTIVITY}"
)
_ENDS_PROCESS: Final = Rule(
    "refuse", "it would end or replace the process that serves all sessions; use sys.exit() to end this one"
)
_SIGNALS: Final = Rule("refuse", f"signals belong to the process that serves all sessions; {_IN_ACTIVITY}")
_EXIT_HOOK: Final = Rule("refuse", "a session has no exit of a process; use try … finally")


def _rules(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


# The standard library, whole modules; exceptions follow below.
_STANDARD_MODULES: Final = _rules(
    _PURE,
    """
    abc annotationlib array ast base64 binascii bisect builtins bz2 calendar cmath codecs colorsys compression.zstd copy
    copyreg csv
    dataclasses datetime decimal difflib dis email enum errno fnmatch fractions functools getopt gettext
    graphlib gzip hashlib heapq hmac html inspect ipaddress itertools json keyword linecache locale lzma
    marshal math numbers operator optparse os.path pickle pickletools plistlib pprint quopri re reprlib
    shlex statistics string stringprep struct symtable sys textwrap token tokenize tomllib traceback types
    typing unicodedata urllib.error urllib.parse uuid.UUID warnings xml zlib zoneinfo argparse
    _collections_abc _sre _blake2 _md5 _sha1 _sha2 _sha3 _sha256 _sha512 _strptime _weakrefset _elementtree
    pyexpat
    """,
) | _rules(
    _IN_MEMORY,
    """
    asyncio collections concurrent.futures configparser contextlib contextvars http.cookies http.HTTPStatus
    importlib _frozen_importlib _frozen_importlib_external io logging queue random.Random string.Template
    sqlite3.Row tarfile threading weakref zipfile
    """,
)

# Single functions and types whose module is not pure.
_STANDARD_FUNCTIONS: Final = (
    _rules(
        _PURE,
        """
        os.fspath os.fsencode os.fsdecode os.strerror os._path_normpath os._path_splitroot
        os._path_splitroot_ex os.get_exec_path pathlib.PurePath pathlib.PurePathBase
        pathlib.Path.as_uri
        time.mktime time.strptime time.struct_time time.get_clock_info uuid.uuid3 uuid.uuid5
        secrets.compare_digest glob.escape glob.has_magic glob.translate mimetypes.MimeTypes
        shutil.get_archive_formats shutil.get_unpack_formats
        socket.inet_aton socket.inet_ntoa socket.inet_pton socket.inet_ntop
        socket.htons socket.ntohs socket.htonl socket.ntohl ssl.create_default_context
        asyncio.iscoroutinefunction asyncio.iscoroutine asyncio.coroutines urllib.request.Request
        tempfile.gettempprefix
        """,
    )
    | _rules(
        _FIXED,
        """
        os.getenv os.getenvb os._Environ os.putenv os.unsetenv os.chdir os.getcwd os.getcwdb
        pathlib.Path.cwd pathlib.Path.home pathlib.Path.absolute pathlib.Path.expanduser
        pathlib.Path.resolve platform.python_version
        pathlib.PathBase.cwd pathlib.PathBase.home pathlib.PathBase.absolute pathlib.PathBase.expanduser
        pathlib.PathBase.resolve
        """,
    )
    | _rules(
        _OPENS,
        """
        io.open io.open_code io.FileIO codecs.open tokenize.open gzip.open gzip.GzipFile bz2.open bz2.BZ2File
        lzma.open lzma.LZMAFile zipfile.ZipFile tarfile.TarFile.open pathlib.Path.open
        pathlib.PathBase.open compression.zstd.open compression.zstd.ZstdFile compression.zstd._zstdfile
        """,
    )
    | _rules(
        _OUTSIDE,
        """
        pathlib.Path pathlib.PathBase xml.etree.ElementTree.parse xml.dom.minidom.parse xml.sax.parse
        logging.handlers logging.config logging.FileHandler locale.setlocale
        concurrent.futures.process importlib.metadata.distributions
        os.path.exists os.path.lexists os.path.isfile os.path.isdir os.path.islink os.path.ismount
        os.path.isjunction os.path.getsize os.path.getmtime os.path.getatime os.path.getctime
        os.path.samefile os.path.realpath
        """,
    )
    | _rules(
        _NOW,
        """
        email.utils.make_msgid email.utils.formatdate email.utils.localtime email.generator
        email.message.Message.as_string email.message.Message.as_bytes
        email.message.MIMEPart.as_string email.message.EmailMessage.as_string statistics.NormalDist.samples
        statistics.kde_random
        """,
    )
)

# Third-party libraries that compute and nothing else, by top-level name.
_LIBRARIES: Final = _rules(
    _PURE,
    """
    pydantic pydantic_core annotated_types typing_extensions typing_inspection attr attrs cattrs marshmallow
    numpy pandas bs4 soupsieve lxml dateutil jinja2 markupsafe yaml markdown markdown_it mdurl mistune pytz
    tzdata regex orjson simplejson tabulate more_itertools toolz sortedcontainers frozendict multidict yarl
    rapidfuzz Levenshtein unidecode slugify phonenumbers validators jsonschema jsonpath_ng jmespath toml tomli
    tomlkit xmltodict html2text deepdiff parse pyparsing packaging semver idna charset_normalizer chardet
    certifi sqlalchemy.sql
    """,
)
_LIBRARY_FUNCTIONS: Final = (
    _rules(
        _OUTSIDE,
        """
        pandas.io lxml.etree.parse lxml.html.parse markdown.core.markdownFromFile jsonschema.RefResolver
        yarl.cache_configure
        """,
    )
    | _rules(
        _NOW,
        "numpy.random dateutil.parser dateutil.utils.today jinja2.filters.do_random jinja2.utils.generate_lorem_ipsum",
    )
    | _rules(
        _PURE,
        """
        numpy.random._generator.Generator dateutil.parser.isoparser dateutil.parser._parser.parserinfo
        requests.structures requests.utils.quote requests.utils.unquote requests.compat requests.cookies
        requests.models.Response.json requests.models.Response.raise_for_status
        requests.models.Request.prepare
        botocore.response.StreamingBody
        httpx._models.Response.json httpx._models.Response.raise_for_status httpx._models.Response.read
        httpx._models.Headers httpx._models.Cookies httpx._urls
        """,
    )
    | _rules(
        _LAZY,
        """
        sqlalchemy.engine.create.create_engine requests.sessions.session requests.sessions.Session.mount
        boto3.client boto3.resource boto3.session.Session.client boto3.session.Session.resource
        boto3.resources.factory.ResourceFactory._create_class_partial
        boto3.resources.collection.ResourceCollection boto3.resources.collection.CollectionManager
        boto3.resources.collection.CollectionFactory._load_documented_collection_methods
        botocore.client.BaseClient.get_paginator botocore.client.BaseClient.can_paginate
        botocore.client.BaseClient.get_waiter botocore.paginate
        redis.utils.from_url redis.client.Redis.from_url redis.asyncio.utils.from_url
        redis.asyncio.client.Redis.from_url
        googleapiclient.discovery.Resource googleapiclient.discovery.createMethod
        googleapiclient.discovery.createNextMethod googleapiclient.http.BatchHttpRequest.add
        """,
    )
)

# What would break the session that does it, or all others of the process.
_REFUSED: Final = (
    _rules(
        _THREADS,
        """
        threading.start_new_thread threading._start_new_thread
        concurrent.futures.process.ProcessPoolExecutor.submit
        concurrent.futures.process.ProcessPoolExecutor.map
        multiprocessing.process.BaseProcess.start multiprocessing.context.BaseContext.Pool
        multiprocessing.pool.Pool multiprocessing.context.BaseContext.Manager
        asyncio.runners asyncio.base_events os.fork os.forkpty
        """,
    )
    | _rules(
        _ENDS_PROCESS,
        "os._exit os.abort os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe",
    )
    | _rules(_SIGNALS, "signal.signal signal.alarm signal.setitimer signal.pause signal.sigwait")
    | _rules(_EXIT_HOOK, "atexit")
    | _rules(_TEMPORARY, "tempfile.NamedTemporaryFile tempfile.TemporaryFile tempfile.mkstemp")
)

RULES: Final[dict[str, Rule]] = (
    _STANDARD_MODULES | _STANDARD_FUNCTIONS | _LIBRARIES | _LIBRARY_FUNCTIONS | _REFUSED
)

# Functions of otherwise pure libraries that reach outside, by the last part of their name.
OUTSIDE_NAMES: Final[dict[str, frozenset[str]]] = {
    "pandas": frozenset(
        [
            "read_csv",
            "read_excel",
            "read_json",
            "read_html",
            "read_xml",
            "read_parquet",
            "read_pickle",
            "read_sql",
            "read_sql_query",
            "read_sql_table",
            "read_table",
            "read_feather",
            "read_hdf",
            "read_fwf",
            "read_clipboard",
            "read_stata",
            "read_gbq",
            "read_orc",
            "read_sas",
            "read_spss",
            "to_csv",
            "to_excel",
            "to_json",
            "to_html",
            "to_xml",
            "to_parquet",
            "to_pickle",
            "to_sql",
            "to_feather",
            "to_hdf",
            "to_clipboard",
            "to_stata",
            "to_gbq",
            "to_orc",
            "to_latex",
            "to_markdown",
            "sample",
            "now",
            "today",
            "utcnow",
        ]
    ),
    "numpy": frozenset(
        [
            "load",
            "save",
            "savez",
            "savez_compressed",
            "loadtxt",
            "savetxt",
            "genfromtxt",
            "fromfile",
            "tofile",
            "dump",
            "memmap",
        ]
    ),
}

# Calls to the outside that set up the process: those of its calls, so the session does for itself the same once more.
ALSO_HERE: Final = frozenset({"logging.config.dictConfig", "logging.config.fileConfig"})

# Constructors that reach outside; those of all other types run where they are called.
CONSTRUCTORS: Final[dict[str, Rule]] = (
    _rules(
        _OUTSIDE,
        """
        subprocess.Popen smtplib.SMTP smtplib.SMTP_SSL smtplib.LMTP ftplib.FTP ftplib.FTP_TLS imaplib.IMAP4
        imaplib.IMAP4_SSL imaplib.IMAP4_stream poplib.POP3 poplib.POP3_SSL nntplib.NNTP telnetlib.Telnet
        mmap.mmap shelve.DbfilenameShelf
        sqlite3.Connection socketserver.BaseServer socketserver.TCPServer logging.FileHandler
        logging.handlers.SysLogHandler logging.handlers.SocketHandler
        """,
    )
    | _rules(
        _NOW,
        """
        numpy.random.mtrand.RandomState numpy.random.bit_generator.SeedSequence numpy.random._pcg64.PCG64
        numpy.random._mt19937.MT19937 croniter.croniter.croniter
        """,
    )
    | _rules(
        _OPENS,
        "zipfile.ZipFile tarfile.TarFile io.FileIO gzip.GzipFile bz2.BZ2File lzma.LZMAFile",
    )
    | _rules(_THREADS, "multiprocessing.pool.Pool multiprocessing.managers.SyncManager")
    | _rules(_TEMPORARY, "tempfile.TemporaryDirectory tempfile.SpooledTemporaryFile")
)

# Types, also as bases, whose methods need the very object that lives in this process.
LIVE_TYPES: Final[dict[str, Rule]] = _rules(
    _LIVE,
    """
    socket.socket ssl.SSLSocket sqlite3.Connection sqlite3.Cursor sqlite3.Blob http.client.HTTPConnection
    http.client.HTTPResponse smtplib.SMTP ftplib.FTP imaplib.IMAP4 poplib.POP3 subprocess.Popen mmap.mmap
    selectors.BaseSelector selectors._BaseSelectorImpl shelve.Shelf dbm.dumb._Database
    """,
)
