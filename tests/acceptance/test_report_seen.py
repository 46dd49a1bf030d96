"""The HTML report in a real browser: nothing leaves the page, and it fits a phone. Skips where there is no Chromium.

The browser's only way out is a proxy that keeps a record, whatever host is asked for; the page itself comes from there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cutover.reports import html
from cutover.reports.document import Document
from cutover.reports.messages import Lang

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PHONE = """<!DOCTYPE html><title>measuring</title><iframe src="/report.html" width="390" height="900"></iframe>
<script>document.querySelector("iframe").onload = event => {
  const page = event.target.contentDocument.documentElement;
  document.title = `${page.scrollWidth} of ${page.clientWidth}, ${page.querySelectorAll("svg").length} charts`;
};</script>"""
LEAKING = '<!DOCTYPE html><title>leak</title><img src="http://leak.example/x.png">'


@dataclass
class Site:
    """What the browser may load, by path, and everything that it asked for."""

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append(self.path)
            page = kept.pages.get(self.path.removeprefix("http://report.example"))
            self.send_response(200 if page is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def do_CONNECT(self) -> None:
            kept.asked.append(self.path)
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            """Says nothing: the record is what counts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept = Site(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def browse(site: Site, path: str, folder: Path) -> str:
    """The page as the browser has it after loading, its own requests to its maker switched off."""
    assert CHROMIUM is not None
    flags = (
        "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
        "--disable-component-update --disable-default-apps --disable-extensions --disable-domain-reliability "
        "--disable-features=OptimizationHints,MediaRouter,Translate --virtual-time-budget=5000 --dump-dom"
    )
    done = subprocess.run(
        [
            CHROMIUM,
            *flags.split(),
            f"--proxy-server=127.0.0.1:{site.port}",
            f"--user-data-dir={folder}",
            f"http://report.example{path}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def others(site: Site) -> list[str]:
    """What was asked for, without what a browser asks its own maker for."""
    makers = ("google.com", "googleapis.com", "gvt1.com", "gstatic.com")
    return [
        url for url in site.asked if not url.split(":")[0].endswith(makers) and not any(f"{m}/" in url for m in makers)
    ]


@pytest.fixture
def hostile_report() -> str:
    """A report with something in every part, and an image of somebody else's in place of every name."""
    text = (Path(__file__).parents[1] / "data" / "report.json").read_text(encoding="utf-8")
    for name in ("04-retry", "v2", "v1", "Testes Internos", "status", "no-retry"):
        text = text.replace(f'"{name}"', '"<img src=http://leak.example/x.png> ' + "W" * 200 + '"')
    assert text.count("leak.example") >= 10
    return html.render(Document.model_validate_json(text), lang=Lang.PT_BR)


def test_nothing_leaves_the_page(site: Site, tmp_path: Path, hostile_report: str) -> None:
    site.pages["/report.html"] = hostile_report
    assert "<svg" in browse(site, "/report.html", tmp_path)
    assert others(site) == ["http://report.example/report.html"]


def test_a_page_that_does_leak_is_seen_to(site: Site, tmp_path: Path) -> None:
    site.pages["/leak.html"] = LEAKING
    browse(site, "/leak.html", tmp_path)
    assert "http://leak.example/x.png" in others(site)


def test_its_policy_stops_what_a_mistake_of_ours_would_let_in(site: Site, tmp_path: Path, hostile_report: str) -> None:
    wrong = (
        "<script>document.title='ran'</script><img src=http://leak.example/x.png><style>h1{color:red}</style>"
        "<link rel=stylesheet href=http://leak.example/x.css><p style='background:url(http://leak.example/y.png)'>"
    )
    site.pages["/report.html"] = hostile_report.replace("<main>", f"<main>{wrong}")
    seen = browse(site, "/report.html", tmp_path)
    assert "http://leak.example/x.css" in seen
    assert "<title>ran" not in seen
    assert others(site) == ["http://report.example/report.html"]


def test_it_fits_a_phone_without_scrolling_sideways(site: Site, tmp_path: Path, hostile_report: str) -> None:
    site.pages |= {"/report.html": hostile_report, "/phone.html": PHONE}
    title = re.search("<title>(.*?)</title>", browse(site, "/phone.html", tmp_path))
    assert title is not None
    measured = re.fullmatch(r"(\d+) of (\d+), (\d+) charts", title[1])
    assert measured is not None, title[1]
    width, room, charts = map(int, measured.groups())
    assert charts >= 5
    assert 360 <= room <= 390
    assert width <= room
