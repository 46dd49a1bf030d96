"""Boundary values that are texts: by length, by their characters, and those that something else may interpret. Pure."""

from __future__ import annotations

from typing import Final

from cutover.engines.api import JsonValue
from cutover.scenarios.boundaries.boundary import Boundary

__all__ = ["DATES", "SIZES", "TEMPLATES", "TEXTS", "sized"]


def sized(length: int) -> str:
    """A text of that many characters whose last ones say how long it is, so that a cut is seen."""
    end = f"_of_{length}"
    return ("charge_the_customers_credit_card_" * (length // 33 + 1))[: length - len(end)] + end


def _size(length: int, hurt: str) -> Boundary:
    return Boundary("size", f"text of {length:,}", sized(length), hurt)


def _text(name: str, value: JsonValue, hurt: str) -> Boundary:
    return Boundary("text", name, value, hurt)


def _date(value: str, hurt: str) -> Boundary:
    return Boundary("date", value, value, hurt)


def _template(value: str, hurt: str) -> Boundary:
    return Boundary("template", value, value, hurt)


SIZES: Final = (
    _size(63, "Postgres cuts identifiers at 63 bytes; labels in DNS and Kubernetes end there"),
    _size(64, "Postgres cuts the last byte off; MySQL's identifiers end here"),
    _size(65, "one more than MySQL's identifiers have"),
    _size(100, "names in many ORMs' tables end here"),
    _size(128, "identifiers in Oracle and SQL Server end here"),
    _size(129, "one more than identifiers in Oracle and SQL Server have"),
    _size(200, "the longest name that scenarios may have"),
    _size(255, "VARCHAR(255) in Rails, Django and MySQL; file names on ext4"),
    _size(256, "one more than VARCHAR(255) holds"),
    _size(1_000, "error texts in many logs and tables end here"),
    _size(1_001, "one more than those keep"),
    _size(1_025, "one more than the key of an object in S3 may have"),
    _size(2_800, "more than an index entry of Postgres may have"),
    _size(4_000, "VARCHAR2(4000) in Oracle; text variables in Camunda 7"),
    _size(4_001, "one more than those hold"),
    _size(8_001, "more than a NOTIFY of Postgres carries"),
    _size(16_385, "one more than 16 KiB, where buffers, TLS records and log lines are split"),
    _size(65_536, "one more than TEXT holds in MySQL, and than 16 bits count"),
)

TEXTS: Final = (
    _text("blank", " ", "trimmed to nothing; Oracle takes the empty text for null"),
    _text("blanks around", "  ship it  ", "trimmed by web forms and CHAR(n) columns"),
    _text("tab and line ends", "one\ttwo\r\nthree\nfour\rfive", "line ends translated by Windows, Git and XML parsers"),
    _text("NUL", "a\0b", "ends a text in C; Postgres refuses it in text and jsonb"),
    _text("control characters", "\x01\x1b[31mred\x7f\x85", "refused by XML; colours terminals that show logs"),
    _text("lone surrogate", "\ud800", "cannot be written as UTF-8, so drivers raise or replace it"),
    _text("byte order mark", "\ufeffship", "taken away at the start of texts by Windows tools"),
    _text("four bytes", "\U0001f69a parcel \U0001d54f", "refused or cut by utf8 in MySQL; two units in Java"),
    _text("joined characters", "\U0001f468\u200d\U0001f469\u200d\U0001f467 a\u0323\u0307", "split apart by cuts"),
    _text("right to left", "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd", "shown and sorted the other way round"),
    _text("line separators", "a\u2028b\u2029c", "ended the line in JavaScript until 2019; lines of logs are split"),
    _text("no-break space", "12\u00a0345 kg", "a blank to some trims and splits, and none to others"),
    _text("quotes", 'it\'s "quoted" `so` «here»', "ends a text in SQL, in a shell, in JSON made by hand"),
    _text("backslashes", "C:\\temp\\new \\u0041 \\\\host", "unescaped once too often"),
    _text("SQL", "'; DROP TABLE workflow_executions; --", "run where statements are made by hand"),
    _text("markup", "<b>&amp; &lt;/b> <!-- x --> ]]>", "escaped twice or not at all in pages and XML"),
    _text("JSON in a text", '{"a": [1, null], "b": "c"}', "parsed once too often on the way through queues"),
    _text("percent", "100%25 a+b%20c %00", "decoded once too often in URLs and forms"),
    _text("formula", "=SUM(A1:A9)", "worked out by spreadsheets; taken for an expression by n8n"),
    _text("dashes in front", "--help", "taken for an option by commands"),
    _text("path upwards", "..\\..\\etc\\passwd", "left the folder in many upload handlers"),
    _text("punctuation", "a:b;c,d|e@f#g?h=i&j~k", "splits keys, headers and lists that are joined by hand"),
    _text("words that are true", "yes", "turned to true by YAML 1.1"),
    _text("country", "NO", "Norway turned to false by YAML 1.1"),
    _text("word that is false", "no", "turned to false by YAML 1.1"),
    _text("switched off", "off", "turned to false by YAML 1.1 and by configurations"),
    _text("asks to wait", "rate limited, retry after 5 seconds", "read by clients that look into errors for a delay"),
    _text("timed out", "the request timed out (timeout)", "tried again where errors are told apart by their words"),
    _text("too many requests", "HTTP 429 Too Many Requests", "tried again, whatever is said beside it"),
    _text("not found", "404 not found: invalid request", "given up where errors are told apart by their words"),
)

DATES: Final = (
    _date("2020-07-23T00:00:00-05:00", "moved to UTC and so to another day by database drivers"),
    _date("2026-04-20T00:00:00.000Z", "written anew without its zeros, or with +00:00"),
    _date("2024-06-01T12:00:00+05:30", "zones with half hours are rounded"),
    _date("2024-06-01T12:00:00", "taken for local time, or for UTC"),
    _date("2024-06-01T12:00:00.123456789Z", "cut to milliseconds or microseconds"),
    _date("2024-02-29", "no such day a year later: Azure stood still on a leap day"),
    _date("2023-02-29", "no day at all; moved on to March by lenient parsers"),
    _date("2012-06-30T23:59:60Z", "the leap second that stopped Linux servers; most parsers refuse it"),
    _date("2025-03-30T02:30:00", "no such time in Central Europe, where clocks went forward"),
    _date("1969-12-31T23:59:59Z", "before the epoch: negative, or taken for an error"),
    _date("2038-01-19T03:14:08Z", "a second more than 32 bits count"),
    _date("9999-12-31T23:59:59.999Z", "stands for never; a zone moves it out of the calendar"),
    _date("0001-01-01T00:00:00Z", "Go's zero time, and SQL Server's DATETIME begins in 1753"),
    _date("2025-01", "a month, filled up with a day"),
    _date("01.02.2025", "the first of February, or the second of January"),
    _date("20250102", "a date to some, a number to others"),
    _date("2025-W01-1", "a week date: another year by the calendar"),
    _date("12:30", "750 minutes in YAML 1.1"),
    _date("P1DT12H", "a duration, made a number of seconds"),
    _date("MARCH1", "a gene that spreadsheets made a day of"),
    _date("1735689600", "seconds since the epoch as text"),
)

TEMPLATES: Final = (
    _template("{{ name }}", "rendered by Jinja, Handlebars and n8n"),
    _template("Hello {{ name }}, pay ${amount}", "rendered where texts pass a template engine once more"),
    _template("={{ $json.total }}", "an expression to n8n"),
    _template("a ${jndi:x} b", "looked up by Log4j 2 before 2.15"),
    _template("x$HOME $(date) `date`", "expanded by a shell"),
    _template("%s %d %(name)s %%", "a log call fills it in, or fails"),
    _template("{0} {name} {}", "filled in by str.format and by loggers"),
    _template("{% if a %}b{% endif %}", "run by Jinja and Liquid"),
    _template("<%= name %>", "run by ERB and EJS"),
    _template("#{name}", "filled in by Ruby and by Spring"),
    _template("a.$.b $.input.total", "a path into the data for Step Functions"),
    _template("States.Format('{}', $.a)", "a function of Step Functions"),
    _template("@{triggerBody()}", "run by Azure Logic Apps"),
    _template(":name ?1 ?", "bound as a parameter of SQL"),
    _template("!!python/object:x", "built by YAML loaders"),
)
