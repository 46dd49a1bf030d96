"""The charts: marks stand where their numbers are, labels do not overlap, nothing is drawn that was not measured."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from cutover.reports.charts.bars import CLASSES, classes
from cutover.reports.charts.heatmap import heatmap
from cutover.reports.charts.histogram import HistogramRow, LogScale, histogram
from cutover.reports.charts.history import history_chart
from cutover.reports.charts.svg import staggered, tag
from cutover.reports.document import Document
from cutover.reports.history import PastRun
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.crash import grid

EN = Messages.of(Lang.EN)


def parsed(chart: Markup) -> list[ET.Element]:
    return list(ET.fromstring(str(chart)).iter())  # noqa: S314 - made by ourselves


def styled(chart: Markup, name: str) -> list[ET.Element]:
    return [element for element in parsed(chart) if name in element.attrib.get("class", "").split()]


def test_an_element_escapes_whatever_it_is_given() -> None:
    made = tag("text", "<b>&\x1b", x=1.25, class_='a"b', fill=None)
    assert made == '<text x="1.2" class="a&#34;b">&lt;b&gt;&amp;</text>'


def test_a_decade_has_the_same_length_everywhere() -> None:
    scale = LogScale(1, 100, 0, 200)
    assert [scale(1), scale(10), scale(100)] == pytest.approx([0, 100, 200])
    assert (scale(0.01), scale(9999)) == (0, 200)
    assert LogScale(2, 60, 0, 1).ticks() == pytest.approx((2, 5, 10, 20, 50))
    assert LogScale(1, 1e9, 0, 1).ticks() == pytest.approx((1, 100, 1e4, 1e6, 1e8))


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(1, 90)), max_size=12))
def test_labels_on_one_line_never_overlap(spans: list[tuple[float, float]]) -> None:
    reach = [(start, start + width) for start, width in spans]
    lines = staggered(reach)
    placed = list(zip(reach, lines, strict=True))
    for place, ((start, _), line) in enumerate(placed):
        assert all(end <= start for (_, end), other in placed[:place] if other == line)


def test_bars_are_shares_of_their_own_engine(document: Document) -> None:
    latency = document.distributions[0]
    drawn = histogram(
        latency, [HistogramRow("control", "v1", {"P50": 30.0}), HistogramRow("candidate", "v2", {})], "Latency", EN
    )
    control = [float(bar.attrib["height"]) for bar in styled(drawn, "control")]
    candidate = [float(bar.attrib["height"]) for bar in styled(drawn, "candidate")]
    assert control == [1.5, 52.0]  # 1 of 600 is too little to see, and is drawn all the same
    assert candidate == [1.5, 51.2]  # 590 of 600 against 599 of 600
    assert "v1, n = 600: P50 30 ms" in drawn


def test_limits_stand_at_their_value_and_those_of_other_stages_say_so(document: Document) -> None:
    checkpoint = document.distributions[1]
    drawn = histogram(
        checkpoint,
        [HistogramRow("control", "v1", {}), HistogramRow("candidate", "v2", {"P95": 8.9})],
        "Checkpoints",
        EN,
    )
    scale = LogScale(1.0, 150 * 1.1, 8, 392)
    lines = {
        line.attrib["class"]: float(line.attrib["x1"]) for line in styled(drawn, "limit") if line.tag.endswith("line")
    }
    assert lines == {
        "limit here": pytest.approx(scale(100), abs=0.1),
        "limit later": pytest.approx(scale(150), abs=0.1),
    }
    assert "mean limit 150 ms (other stages)" in drawn
    assert "v1" not in drawn  # it has no checkpoints


def test_nothing_measured_is_no_chart(document: Document) -> None:
    empty = document.distributions[0].model_copy(update={"edges": (), "control": (), "candidate": ()})
    assert (
        histogram(empty, [HistogramRow("control", "v1", {}), HistogramRow("candidate", "v2", {})], "Latency", EN) == ""
    )


def test_every_class_has_a_bar_or_a_zero(document: Document) -> None:
    drawn = classes(document.differences, "Differences", EN)
    assert [len(styled(drawn, name)) for name in CLASSES] == [1, 0, 1, 0, 0]
    regression, improvement = (float(styled(drawn, name)[0].attrib["width"]) for name in ("REGRESSION", "IMPROVEMENT"))
    assert regression == pytest.approx(improvement * 2 / 98, abs=1.5)
    assert [text.text for text in styled(drawn, "number")] == ["2", "0", "98", "0", "0"]


def test_a_heat_map_tells_passed_failed_and_not_tested(document: Document) -> None:
    assert document.crash is not None
    kinds = grid(document.crash, "node_kind")
    assert kinds.cells == {("activity", "answer"): (5, 4), ("activity", "call"): (3, 3), ("join", "answer"): (1, 1)}
    assert (kinds.rows, kinds.failed) == (("activity", "join", "wait"), 1)
    drawn = heatmap("kinds", kinds, "Kinds", EN)
    assert [len(styled(drawn, name)) for name in ("passed", "failed", "untouched")] == [2, 1, 1]
    assert [text.text for text in styled(drawn, "number")] == ["4/5", "3", "1", "0"]
    assert "3 rows, 3 combinations with cases, 1 cases not passed" in drawn
    ways = grid(document.crash, "way")
    assert (ways.rows, ways.untouched) == (("once", "zombie"), frozenset())


def test_each_verdict_has_a_shape_of_its_own_and_the_last_run_a_ring() -> None:
    runs = [
        PastRun(f"2026-01-0{day} 10:00", f"r{day}", stage, verdict, "v2", 600)
        for day, (stage, verdict) in enumerate(
            [(0, "GO"), (10, "NO-GO"), (10, "ROLLBACK"), (10, "INCONCLUSIVE"), (50, "new in 3.0")], 1
        )
    ]
    drawn = history_chart(runs, "Earlier", EN)
    shapes = [re.sub("{.*}", "", element.tag) for element in parsed(drawn) if "mark" in element.attrib.get("class", "")]
    assert shapes == ["circle", "rect", "path", "path", "path"]
    assert len(styled(drawn, "ring")) == 1
    assert [text.text for text in styled(drawn, "label")] == ["0 %", "10 %", "50 %"]
    assert "2026-01-02 10:00 10 % NO-GO" in drawn
