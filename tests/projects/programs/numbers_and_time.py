"""Dates, decimals, fractions, seeded chance, statistics, regular expressions, hashing, encodings, bigger data."""

import base64
import bisect
import calendar
import dataclasses
import datetime as dt
import decimal
import fractions
import hashlib
import hmac
import heapq
import itertools
import math
import random
import re
import secrets
import statistics
import string
import struct
import textwrap
import time
import uuid
import zlib
import zoneinfo


class Frozen(dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 2, tzinfo=tz)


def main(event=None):
    t = dt.datetime(2026, 3, 29, 1, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    print(t, t + dt.timedelta(hours=1), t.astimezone(dt.timezone.utc), t.isoformat(), t.strftime("%a %d %b"), t.timetuple().tm_yday)
    print(dt.datetime.fromisoformat("2026-01-02T03:04:05+02:00"), dt.date(2026, 2, 28) + dt.timedelta(days=1), dt.datetime.strptime("1/2/26", "%d/%m/%y"))
    print(isinstance(dt.datetime.now(), dt.datetime), Frozen.now(), dt.datetime.now(dt.UTC).tzinfo, dt.date.today() <= dt.date.today())
    print((dt.datetime.now() - dt.datetime.now()) < dt.timedelta(seconds=5), abs(time.time() - dt.datetime.now().timestamp()) < 5)
    print(calendar.monthrange(2026, 2), time.gmtime(0).tm_year, time.strftime("%Y", time.gmtime(0)), dt.timedelta(days=-1, hours=2))
    with decimal.localcontext() as ctx:
        ctx.prec = 5
        print(decimal.Decimal(1) / decimal.Decimal(3), decimal.Decimal("2.675").quantize(decimal.Decimal("0.01")))
    print(fractions.Fraction(1, 3) + fractions.Fraction("0.5"), math.isclose(0.1 + 0.2, 0.3), math.comb(5, 2), math.prod([2, 3]))
    rng = random.Random(42)
    print(rng.random(), rng.randint(1, 6), rng.sample(range(10), 3), rng.choice("abc"), rng.gauss(0, 1))
    random.seed(7)
    print(random.random(), random.randrange(100), random.shuffle(x := [1, 2, 3, 4]), x, random.choices("ab", k=3))
    random.seed("text")
    state = random.getstate()
    a = random.random()
    random.setstate(state)
    print(a == random.random(), random.uniform(1, 2) > 1, len(secrets.token_hex(4)), uuid.uuid4().version, uuid.uuid5(uuid.NAMESPACE_DNS, "x.y"))
    print(statistics.mean([1, 2, 4]), statistics.stdev([1, 2, 4]), statistics.median([3, 1, 2]))
    print(re.sub(r"(\w+) (\w+)", lambda m: f"{m[2]} {m[1]}", "hello world"), re.findall(r"\d+", "a1b22"), re.compile(r"(?P<y>\d{4})").match("2026").groupdict())
    print([m.span() for m in re.finditer("a.", "abac")], re.split(r"[,;]\s*", "a, b;c"), re.fullmatch("a+", "aab"))
    print(hashlib.sha256(b"x").hexdigest()[:12], hmac.new(b"k", b"m", "sha1").hexdigest()[:8], base64.b64encode(b"\x00\xff"), zlib.crc32(b"abc"))
    print(struct.pack(">IH", 1, 2), struct.unpack("<h", b"\x01\x00"), int.from_bytes(b"\x01\x00", "big"), (258).to_bytes(2, "little"))
    print(textwrap.fill("the quick brown fox", 10), textwrap.dedent("  a\n  b"), string.Template("$a-$b").substitute(a=1, b=2), string.ascii_lowercase[:3])
    heap = []
    for n in (5, 1, 4):
        heapq.heappush(heap, n)
    print(heapq.heappop(heap), heapq.nlargest(2, [1, 5, 3]), bisect.bisect([1, 3, 5], 3))
    print(list(itertools.accumulate([1, 2, 3])), list(itertools.permutations("ab")), list(itertools.batched("abc", 2)) if hasattr(itertools, "batched") else [("a", "b"), ("c",)])
    big = {str(i): [i] * 10 for i in range(20_000)}
    print(len(big), sum(map(len, big.values())), len("x" * 5_000_000), sum(range(10**5)), 2**4000 % 97)
    print(sorted({"b", "a", "c"}), {1, 2} & {2, 3}, {1} | {2}, {1, 2} ^ {2}, {"a": 1} | {"b": 2})
    matrix = [[i * j for j in range(4)] for i in range(4)]
    print(list(zip(*matrix))[1], [row[::-1] for row in matrix][3], sum(matrix, [])[:5])


if __name__ == "__main__":
    main()
