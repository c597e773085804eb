"""Show all variants of a message side by side on one page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from idic.cli.run.preview import Preview, Whose
from idic.customize.sms_segments import segments
from idic.journey.channels import CHANNELS

WIDTH = 1400
"""CSS pixels of the picture's width: two mails side by side."""


def page_of(title: str, shown: Sequence[tuple[Preview, Whose]]) -> str:
    """A whole HTML document. Each variant has a frame of its own, so that styles don't mix."""
    parts = []
    for channel, group in groupby(shown, key=lambda one: one[0].channel):
        cards = "".join(_card(preview, whose) for preview, whose in group)
        parts.append(f'<section><h2>{CHANNELS[channel].label}</h2><div class="{channel}">{cards}</div></section>')
    return _PAGE.format(title=escape(title), parts="".join(parts))


def _card(one: Preview, whose: Whose) -> str:
    about = _about(one)
    said = f"<p>{escape(about)}</p>" if about else ""
    return f"<article><header><h3>{escape(str(whose))}</h3>{said}</header>{_content(one)}</article>"


def _about(one: Preview) -> str:
    if one.subject is not None:
        return one.subject
    if one.slot is not None:
        return f"slot {one.slot}"
    cost = segments(one.sent or one.text)
    return f"{cost.count} part{'' if cost.count == 1 else 's'}, {cost.encoding}"


def _content(one: Preview) -> str:
    if one.html is None:
        return f'<pre lang="{escape(one.language)}">{escape(one.text)}</pre>'
    # Scripts don't run in the frame; its height is read from outside.
    return f'<iframe sandbox="allow-same-origin" title="{CHANNELS[one.channel].label}" srcdoc="{escape(one.html)}"></iframe>'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  * {{ box-sizing: border-box }}
  body {{ margin: 0; padding: clamp(16px, 3vw, 40px); font: 16px/1.5 system-ui, sans-serif;
    color: #1d1d1f; background: #f2f2f4 }}
  h1 {{ margin: 0; font-size: 1.375rem; text-wrap: balance }}
  h2 {{ margin: 2rem 0 .75rem; font-size: 1rem; color: #55555c }}
  section > div {{ display: grid; gap: 1.25rem; align-items: start;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 36rem), 1fr)) }}
  section > .sms {{ grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)) }}
  article {{ overflow: hidden; border-radius: .75rem; background: #fff; box-shadow: 0 1px 3px #0002 }}
  header {{ padding: .75rem 1rem; border-bottom: 1px solid #e4e4e8 }}
  h3, p {{ margin: 0; font-size: 1rem; overflow-wrap: anywhere }}
  p {{ color: #55555c }}
  iframe {{ display: block; width: 100%; height: 30rem; border: 0 }}
  pre {{ margin: 1rem; padding: .75rem 1rem; border-radius: 1rem 1rem 1rem .25rem; background: #e9e9ee; font: inherit;
    white-space: pre-wrap; overflow-wrap: anywhere }}
</style></head>
<body><h1>{title}</h1>{parts}
<script>
  function fit() {{
    for (const frame of document.querySelectorAll("iframe")) {{
      frame.style.height = "0";
      frame.style.height = frame.contentDocument.documentElement.scrollHeight + "px";
    }}
    document.documentElement.dataset.idicHeight = document.documentElement.scrollHeight;
  }}
  addEventListener("load", fit);
  addEventListener("resize", fit);
</script>
</body></html>
"""
