"""The report as one HTML file: no scripts, nothing fetched, a policy that forbids both, charts as SVG. Pure."""

from __future__ import annotations

import functools
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from cutover.reports.advice import advice
from cutover.reports.charts.bars import classes
from cutover.reports.charts.heatmap import heatmap
from cutover.reports.charts.histogram import HistogramRow, histogram
from cutover.reports.charts.history import history_chart
from cutover.reports.document import Document
from cutover.reports.history import History, of_document
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.crash import POINTS, grid
from cutover.reports.parts.differences import DifferencePart
from cutover.reports.parts.mutants import MatrixPart
from cutover.reports.parts.sides import DistributionPart, SidePart
from cutover.reports.words import ABSENT, clean, clip, plain

__all__ = ["MAX_BYTES", "render", "tone"]

MAX_BYTES = 1_000_000
_ROWS = (200, 50, 10, 1)
"""How many rows a table may have, tried in this order until the report is small enough."""
_TONES = {
    "GO": "ok",
    "PASS": "ok",
    "IMPROVEMENT": "ok",
    "EQUAL": "ok",
    "NO-GO": "bad",
    "ROLLBACK": "bad",
    "FAIL": "bad",
    "REGRESSION": "bad",
    "INVALID": "odd",
    "ERROR": "odd",
    "NOISE": "mute",
    "WAIVED": "mute",
}
_URGENT = ("REGRESSION", "BOTH_WRONG")
"""Classes whose differences are shown without a click."""
_MARKS = {
    "latency": (("P50", "latency_p50"), ("P95", "latency_p95"), ("P99", "latency_p99")),
    "checkpoint": (("", "checkpoint_mean"), ("P95", "checkpoint_p95")),
}


@dataclass(frozen=True, slots=True)
class _Tile:
    id: str
    value: str


@dataclass(frozen=True, slots=True)
class _DifferencesOfClass:
    """All differences of one class and one known flaw, the most frequent kind first."""

    klass: str
    flaw: str | None
    parts: tuple[DifferencePart, ...]

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)

    @property
    def urgent(self) -> bool:
        return self.klass in _URGENT


@dataclass(frozen=True, slots=True)
class _Figure:
    id: str
    svg: Markup
    notes: tuple[str, ...]


def render(
    document: Document, *, lang: Lang = Lang.EN, history: History | None = None, mutants: MatrixPart | None = None
) -> str:
    """Returns the page; tables are cut, and say so, where it is over `MAX_BYTES`. Raises ValueError if it still is."""
    say = Messages.of(lang)
    told = history or History()
    context = _context(document, told, mutants, say)
    for rows in _ROWS:
        text = _template().render(context, rows=rows)
        if len(text.encode()) <= MAX_BYTES:
            return text
    raise ValueError(f"the report of run {document.run.run_id} cannot be made shorter than {MAX_BYTES:,} bytes")


def tone(verdict: str) -> str:
    """Returns the CSS class of a verdict, or for a class of differences."""
    return _TONES.get(verdict, "wait")


def _context(document: Document, history: History, mutants: MatrixPart | None, say: Messages) -> dict[str, object]:
    style = _style()
    runs = (*history.runs, of_document(document))
    crash = document.crash
    return {
        "document": document,
        "advice": list(advice(document, say)),
        "t": say,
        "headline": say.sentence(plain(document.headline)).text,
        "style": Markup(style),  # noqa: S704 - our own file
        "style_hash": Markup(f"sha256-{b64encode(sha256(style.encode()).digest()).decode()}"),  # noqa: S704 - base 64
        "tiles": _tiles(document, say),
        "figures": _figures(document, say),
        "classes": classes(document.differences, say("chart.classes"), say),
        "groups": _groups(document),
        "kinds": heatmap("kinds", grid(crash, "node_kind"), say("crash.kinds"), say) if crash else None,
        "ways": heatmap("ways", grid(crash, "way"), say("crash.ways"), say) if crash else None,
        "points": POINTS,
        "mutants": mutants,
        "history": history,
        "past": runs,
        "history_chart": history_chart(runs, say("history.title"), say),
        "change": functools.partial(_change, say=say),
        "contents": [(name, say(f"{name}.title")) for name, there in _sections(document, mutants) if there],
    }


def _sections(document: Document, mutants: MatrixPart | None) -> tuple[tuple[str, bool], ...]:
    """Returns the sections of the page in order, and whether each has any content."""
    return (
        ("why", bool(document.blocking)),
        ("evidence", True),
        ("sides", True),
        ("machine", bool(document.machine)),
        ("differences", True),
        ("waivers", bool(document.waivers)),
        ("noise", bool(document.noise)),
        ("checks", True),
        ("crash", True),
        ("material", document.material is not None),
        ("mutants", mutants is not None),
        ("history", True),
        ("untested", True),
        ("reproduce", True),
    )


def _tiles(document: Document, say: Messages) -> list[_Tile]:
    success = next((side for side in document.side_by_side if side.id == "success"), None)
    regressions = sum(part.count for part in document.differences if part.klass == "REGRESSION")
    tiles = [
        _Tile("trials", say.count(document.trials)),
        _Tile("failed", say.count(document.trials_failed)),
        _Tile("regressions", say.count(regressions)),
    ]
    if success is not None:
        tiles.insert(1, _Tile("success", say.number(success.candidate, "share")))
    if document.crash is not None:
        passed, cases = say.count(document.crash.passed), say.count(document.crash.cases)
        tiles.append(_Tile("cases", passed if passed == cases else f"{passed} / {cases}"))
        tiles.append(_Tile("duplicates", say.count(document.crash.duplicates)))
    return tiles


def _groups(document: Document) -> list[_DifferencesOfClass]:
    grouped: dict[tuple[str, str | None], list[DifferencePart]] = {}
    for part in document.differences:
        grouped.setdefault((part.klass, part.flaw), []).append(part)
    return [
        _DifferencesOfClass(klass, flaw, tuple(sorted(parts, key=lambda part: -part.count)))
        for (klass, flaw), parts in grouped.items()
    ]


def _figures(document: Document, say: Messages) -> list[_Figure]:
    return [
        _Figure(
            part.id,
            histogram(part, _rows(document, part, say), say(f"{part.id}.title"), say),
            (say("chart.unusable", n=say.count(unusable)),) if unusable else (),
        )
        for part in document.distributions
        for unusable in [part.unusable_control + part.unusable_candidate]
    ]


def _rows(document: Document, part: DistributionPart, say: Messages) -> tuple[HistogramRow, HistogramRow]:
    sides = {side.id: side for side in document.side_by_side}
    marks = [(label or say("chart.mean"), sides[name]) for label, name in _MARKS[part.id] if name in sides]
    run = document.run
    return (
        HistogramRow(
            "control",
            clip(plain(run.control.name), 30),
            {label: side.control for label, side in marks if side.control is not None},
        ),
        HistogramRow(
            "candidate",
            clip(plain(run.candidate.name), 30),
            {label: side.candidate for label, side in marks if side.candidate is not None},
        ),
    )


def _change(side: SidePart, say: Messages) -> str:
    """Returns the change from control to candidate: in points for a share, else in percent of the control."""
    if side.control is None or side.candidate is None or (side.unit != "share" and side.control == 0):
        return ABSENT
    difference = side.candidate - side.control
    if side.unit == "share":
        return say("sides.points", n=say.digits(f"{100 * difference:+.3g}"))
    return say.digits(f"{100 * difference / side.control:+.3g} %")


def _finalized(value: object) -> object:
    """Strips control characters from every text of the template, whichever filters it forgot."""
    return clean(value) if type(value) is str else value


def _text(text: str, length: int = 300) -> str:
    return clip(plain(text), length)


@functools.cache
def _style() -> str:
    return _file("report.css")


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        finalize=_finalized,
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["text"] = _text
    environment.globals["tone"] = tone
    return environment.from_string(_file("report.html.jinja"))


def _file(name: str) -> str:
    return resources.files("cutover.reports").joinpath("templates", name).read_text(encoding="utf-8")
