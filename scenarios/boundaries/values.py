"""Boundary values that are more than texts: counts, keys, numbers, nulls, and texts that look alike. Pure."""

from __future__ import annotations

from typing import Final

from cutover.engines.api import JsonValue
from cutover.scenarios.boundaries.boundary import Boundary, alike

__all__ = ["COUNTS", "KEYS", "LOOK_ALIKES", "NULLS", "NUMBERS", "nested"]


def nested(levels: int) -> JsonValue:
    """Lists and objects in turn, so many levels deep, with a text at the bottom."""
    value: JsonValue = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"deeper": value}
    return value


def _numbers(count: int) -> JsonValue:
    return list(range(count))


def _count(name: str, value: JsonValue, hurt: str) -> Boundary:
    return Boundary("count", name, value, hurt)


def _key(name: str, value: JsonValue, hurt: str) -> Boundary:
    return Boundary("key", name, value, hurt)


def _named(value: str, hurt: str) -> Boundary:
    return Boundary("key", value, value, hurt)


def _number(name: str, value: JsonValue, hurt: str) -> Boundary:
    return Boundary("number", name, value, hurt)


def _null(name: str, value: JsonValue, hurt: str) -> Boundary:
    return Boundary("null", name, value, hurt)


COUNTS: Final = (
    _count("empty list", [], "an empty array of PHP is a list and an object; null in Go"),
    _count("empty object", {}, "as the empty list; dropped by serialisers that leave out what is empty"),
    _count("list of 1", ["alone"], "unwrapped: XML to JSON, PowerShell and n8n make it its only element"),
    _count("list of 10", _numbers(10), "a page of many interfaces"),
    _count("list of 11", _numbers(11), "sorted as text, 10 comes before 2"),
    _count("list of 101", _numbers(101), "one more than a page of GitHub's and Stripe's interfaces"),
    _count("list of 256", _numbers(256), "one more than a byte counts"),
    _count("list of 1,000", _numbers(1_000), "a page of AWS; the most values in Oracle's IN"),
    _count("list of 1,001", _numbers(1_001), "one more than those"),
    _count("list in lists", [[1, 2], [3], []], "flattened by array_agg, by concat and by templates"),
    _count("equal elements", ["a", "a", {"b": 1}, {"b": 1}, "a"], "made a set, or keyed by their value"),
    _count("object of 257 keys", {f"k{i:03}": i for i in range(257)}, "more columns than some stores index"),
    _count("65 levels", nested(65), "one more than System.Text.Json reads"),
    _count("101 levels", nested(101), "one more than Protocol Buffers reads"),
    _count("130 levels", nested(130), "more than serde_json reads, and SQL Server's JSON functions"),
)

KEYS: Final = (
    _key("empty key", {"": {"": 1}}, "refused by MongoDB's drivers for long; lost in query strings"),
    _key("dotted keys", {"a.b": 1, "a": {"b": 2}, "a[0]": 3}, "taken for a path by lodash, MongoDB and log stores"),
    _key("dollar keys", {"$ref": "#/a", "$type": "System.Object", "$where": "1"}, "followed by JSON Schema, Json.NET"),
    _key("prototype", {"__proto__": {"x": 1}, "constructor": {"prototype": 1}}, "changed all objects of JavaScript"),
    _key("type keys", {"@type": "a.B", "@class": "a.B", "class": "C", "__class__": "D"}, "built by Jackson, Fastjson"),
    _key("numbers as keys", {"10": "a", "9": "b", "01": "c", "-1": "d"}, "sorted by JavaScript; made a list by PHP"),
    _key("keys out of order", {"b": 1, "a": 2, "B": 3, "_": 4}, "jsonb sorts by length; hashes leave no order"),
    _key("blank keys", {" ": 1, "a b": 2, "\t": 3}, "trimmed together"),
    _key("NUL in a key", {"a\0b": 1, "a": 2}, "cut in C, and refused by jsonb"),
    _key("long key", {"k" * 300: 1, "k" * 299 + "l": 2}, "cut, and so the same"),
    _key(
        "an answer's words",
        {"output": 1, "error": None, "status": "failed", "ports": ["error"], "value": 2, "retryable": False},
        "taken for an engine's own envelope: Step Functions' Error and Cause, n8n's json",
    ),
    _key(
        "names of secrets",
        {"password": "p", "token": "t", "secret": "s", "authorization": "Bearer b", "api_key": {"value": "k"}},
        "masked on their way by filters that are meant for logs: Rails, Sentry, structured loggers",
    ),
    _key("no success", {"success": False}, "taken for a failure by clients of Slack, reCAPTCHA and many more"),
    _key("not ok", {"ok": False}, "taken for a failure by clients of Telegram and of fetch"),
    _key("a status of 503", {"status": 503}, "tried again by HTTP clients and gateways"),
    _key("a status code of 500", {"statusCode": 500}, "a failed call to those who put Lambda behind a gateway"),
    _key("asks for a retry", {"retry": True, "retryAfter": 5}, "obeyed by queues and webhooks"),
    _key("has errors", {"errors": [{"message": "declined"}], "data": None}, "a failed query to clients of GraphQL"),
    _key("not done", {"done": False, "cancelled": True}, "polled again, or given up"),
    _key("an error that is none", {"error": "card declined"}, "read as a failure where success has the same field"),
    _named("__proto__", "changes all objects of JavaScript"),
    _named("constructor", "found in every object of JavaScript"),
    _named("toString", "found in every object of JavaScript"),
    _named("a.b", "taken for a path"),
    _named("a:b:c", "joined with colons into keys of Redis and locks, and split wrongly"),
    _named("id", "shadows the row's own"),
    _named("status", "shadows the row's own"),
    _named("default", "the port of a condition that has no case"),
    _named("select", "a word of SQL"),
    _named("error", "the port of a failed step"),
    _named("0", "an index, not a name"),
)

NUMBERS: Final = (
    _number("zero", 0, "false in Python, JavaScript and PHP, so taken for absent"),
    _number("minus zero", -0.0, "its sign is lost in integers, and in jsonb"),
    _number("one", 1, "equal to true in Python"),
    _number("one as a float", 1.0, "becomes 1 in JavaScript and in jsonb columns of some drivers"),
    _number("true", True, "equal to 1 in Python; 't' and 1 in databases"),
    _number("false", False, "absent to those who ask for truth"),
    _number("minus one", -1, "an error, or the last element"),
    _number("half", 2.5, "rounded to even by Python, away from zero by Postgres"),
    _number("a third decimal", 0.1, "not a tenth; 0.30000000000000004 after two sums"),
    _number("2^31 - 1", 2**31 - 1, "the last that 32 bits hold: YouTube's counter, ids of Basecamp"),
    _number("2^31", 2**31, "negative in 32 bits"),
    _number("2^53", 2**53, "the last whole number that JavaScript counts to"),
    _number("2^53 + 1", 2**53 + 1, "becomes 2^53 in JavaScript: Twitter's ids"),
    _number("2^63", 2**63, "one more than bigint holds"),
    _number("-2^63 - 1", -(2**63) - 1, "one less than bigint holds"),
    _number("10^30", 10**30, "becomes 1e30 wherever numbers are floats"),
    _number("1e308", 1e308, "infinite after doubling; refused by decimal columns"),
    _number("5e-324", 5e-324, "zero in single precision"),
    _number("17 digits", 0.12345678901234566, "cut to 15 digits by Postgres before 12 and by spreadsheets"),
    _number("1e16 as a float", 1e16, "written as 10000000000000000 and read as an integer"),
    _number("digits as text", "42", "made a number by loose readers"),
    _number("leading zeros", "00042", "postcodes and account numbers lose them"),
    _number("exponent as text", "1e3", "made 1000 by spreadsheets and PHP"),
    _number("grouped digits", "1,234.50", "read the other way round in other countries"),
    _number("not a number", "NaN", "made a float by lenient readers"),
)

NULLS: Final = (
    _null("null", None, "taken for absent, for an error, for not yet run"),
    _null("null in a list", [1, None, 2, None], "dropped by array functions and template engines"),
    _null("nulls alone", [None, None], "dropped, so that the list is empty"),
    _null("null under a key", {"a": None, "b": 1}, "left out by Go's omitempty, Jackson and protobuf"),
    _null("null and absent", [{"a": None}, {}], "taken for the same"),
    _null("empty text", "", "null in Oracle; absent in forms and query strings"),
    _null("text null", "null", "null after a round through a text: the number plate NULL"),
    _null("text None", "None", "what Python writes for null"),
    _null("text undefined", "undefined", "what JavaScript writes for absent"),
    _null("text N/A", "N/A", "null to pandas and to importers"),
)

_PREFIX: Final = "reserve_stock_for_every_line_of_the_customers_order_in_the_main_warehouse"
LOOK_ALIKES: Final = (
    alike("case", "MySQL and SQL Server compare without case; so do file systems", "ship", "Ship", "SHIP"),
    alike("dashes", "slugs and metric names make one of them", "ship-it", "ship_it", "Ship It", "ship.it"),
    alike("kinds of dash", "typed by word processors, normalised by search", "a-b", "a\u2013b", "a\u2212b"),
    alike("Unicode forms", "macOS decomposes file names; normalised by browsers", "caf\u00e9", "cafe\u0301", "cafe"),
    alike("width", "folded by NFKC and by Japanese input", "A1", "\uff211", "\u24b61"),
    alike("other alphabets", "no font shows the difference: homograph domains", "pay", "p\u0430y"),
    alike("sharp s", "upper case makes them equal", "strasse", "stra\u00dfe", "STRASSE"),
    alike("dotless i", "Turkish lower case changes what code compares", "title", "t\u0131tle", "T\u0130TLE"),
    alike("blank at the end", "CHAR(n) and MySQL compare without it", "paid", "paid ", "paid\u00a0"),
    alike("zero width", "copied from web pages, seen by nobody", "order", "or\u200bder", "order\ufeff"),
    alike("same beginning", "Postgres cuts identifiers at 63 bytes", f"{_PREFIX}_once", f"{_PREFIX}_again"),
    alike("same to the last", "cut at 127, 191 or 199 characters", "n" * 199 + "a", "n" * 199 + "b"),
    alike(
        "same ends",
        "hashed by length, beginning and end to be quick",
        "n" * 90 + "a" + "n" * 90,
        "n" * 90 + "b" + "n" * 90,
    ),
    alike("one begins the other", "LIKE and routes match the beginning", "approve", "approved", "approved_late"),
    alike("numbers at the end", "names made unique by counting collide", "step_1", "step_10", "step1", "step_01"),
    alike("numbers as text", "equal once they are numbers: PHP's ==", "1", "01", "1.0", "1e0"),
    alike("wildcards", "LIKE takes _ and % for any character", "a_c", "abc", "a%c"),
    alike("joined parts", "keys joined without escaping", "x:y", "x", "y:x"),
)
