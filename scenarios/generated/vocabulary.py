"""The words and values that generated scenarios are made of. Pure.

Each tuple begins with its plainest entry, since a failing example shrinks towards it.
"""

from __future__ import annotations

from cutover.engines.api import JsonValue

__all__ = ["AWKWARD", "CHECKS", "ERRORS", "EXPRESSIONS", "STATUSES", "SUBJECTS", "VERBS"]

SUBJECTS = ("order", "invoice", "payment", "shipment", "refund", "claim", "subscription", "booking")
VERBS = (
    "charge_card",
    "reserve_stock",
    "create_invoice",
    "send_receipt",
    "book_courier",
    "update_ledger",
    "screen_fraud",
    "lookup_customer",
    "print_label",
    "notify_sales",
    "archive_document",
    "close_ticket",
)
CHECKS = ("check_status", "poll_provider", "ask_warehouse", "fetch_quote")
STATUSES = ("paid", "refused", "review", "")
ERRORS = (
    "gateway timeout",
    "503 service unavailable",
    "connection reset by peer",
    "rate limited",
    "Übertragung fehlgeschlagen",
)
EXPRESSIONS = (
    "approved",
    "total >= `100`",
    "status == 'paid'",
    "lines",
    "!approved",
    "length(lines) > `1`",
    "status && approved",
    "max(lines[].qty) == `3`",
    "missing",
)
"""Truths over what a decision's activity answers; none of them raises on it."""


def _nested(levels: int) -> JsonValue:
    value: JsonValue = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"deeper": value}
    return value


AWKWARD: tuple[JsonValue, ...] = (
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\udc00\ud800",
    10**30,
    -(2**64),
    2**53 + 1,
    -0.0,
    1e308,
    5e-324,
    0.1,
    True,
    "1",
    {},
    [],
    {"": {"": ""}},
    {"a.b": 1, "a": {"b": 2}, "$ref": "#", "__proto__": None},
    "Ünïcödé \u2028 日本語 🙂 e\u0301",
    "'; DROP TABLE workflow_executions; --",
    "%s %(x)s {0} $1",
    "x" * 3_000,
    _nested(100),
)
"""Values that storage, string formatting or number handling tends to damage."""
