"""A page with tabs and charts that needs nothing but a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape

from ..extras import needed

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
nav{border-bottom:1px solid #bbb;margin:1rem 0}
nav button{font:inherit;border:0;background:none;padding:.5rem 1rem;cursor:pointer;border-bottom:3px solid transparent}
nav button[aria-selected=true]{border-color:#0072b2;font-weight:600}
table{border-collapse:collapse;display:block;overflow-x:auto}
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
th{text-align:center}td:first-child,th:first-child{text-align:left}
pre{background:#f4f4f4;padding:.8rem;overflow-x:auto}.warning{border-left:4px solid #d55e00;padding-left:.8rem}
"""

_SCRIPT = """
const charts = JSON.parse(document.getElementById("charts").textContent);
function draw(section) {
  for (const place of section.querySelectorAll(".chart")) {
    if (place.dataset.drawn) continue;
    const chart = charts[place.dataset.chart];
    Plotly.newPlot(place, chart.data, chart.layout, {responsive: true, displaylogo: false});
    place.dataset.drawn = "yes";
  }
}
function show(name) {
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== name;
  for (const tab of document.querySelectorAll("nav button"))
    tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
  draw(document.getElementById(name));
}
for (const tab of document.querySelectorAll("nav button")) tab.addEventListener("click", () => show(tab.dataset.tab));
show(document.querySelector("section").id);
"""

# nothing is fetched: the page says so to the browser as well
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def tabbed_page(title: str, words: str, sections: dict[str, tuple[str, str]], charts: dict[str, dict]) -> str:
    """The page, HTML.

    Parameters
    ----------
    title, words : str
        Text.
    sections : dict of (title, HTML)
        Tabs by the names of their sections; the first is shown.
    charts : dict of dict
        For plotly.js, by the names that :func:`chart` was given.

    Raises
    ------
    InputError
        If plotly is missing.
    """
    needed("plotly", "a page with charts")
    from plotly.offline import get_plotlyjs

    tabs = "".join(f'<button role="tab" data-tab="{name}">{tab}</button>' for name, (tab, _) in sections.items())
    bodies = "".join(f'<section id="{name}">{body}</section>' for name, (_, body) in sections.items())
    data = json.dumps(charts, allow_nan=False).replace("<", "\\u003c")  # text cannot end the script
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}: sidejump</title>'
        f'<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{escape(title)}</h1><p>{escape(words)}</p><nav role='tablist'>{tabs}</nav>{bodies}\n"
        f'<script type="application/json" id="charts">{data}</script>\n'
        f"<script>{get_plotlyjs()}</script>\n<script>{_SCRIPT}</script></body></html>\n"
    )


def chart_page(title: str, charts: dict[str, dict]) -> str:
    """A page of charts, a tab for each."""
    sections = {f"tab{i}": (escape(name), chart(name, escape(name))) for i, name in enumerate(charts)}
    return tabbed_page(title, "", sections, charts)


def chart(name: str, title: str) -> str:
    """The place of a chart of the page, below a title in HTML."""
    return f'<h2>{title}</h2><div class="chart" data-chart="{escape(name)}"></div>'


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """HTML of a table; heads are HTML already, cells are text."""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(x))}</td>" for x in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{''.join(f'<th>{x}</th>' for x in heads)}</tr></thead><tbody>{body}</tbody></table>"
