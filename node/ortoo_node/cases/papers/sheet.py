"""The page that all papers of a request share: A4, a ruled table, fonts that such papers are in.

Fonts are asked for by name and none is sent along: what the printing machine has is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
@page { size: A4; margin: 22mm 20mm 18mm 22mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.55 "FangSong", "仿宋", "FangSong_GB2312", "STFangsong", "Noto Serif CJK SC",
  "Source Han Serif SC", "SimSun", serif; color: #000; background: #fff; margin: 0 auto;
  max-width: 168mm; }
h1 { font: 700 19pt/1.3 "方正小标宋简体", "FZXiaoBiaoSong-B05S", "STZhongsong", "SimSun",
  "Noto Serif CJK SC", serif; text-align: center; letter-spacing: .06em; margin: 2mm 0 5mm; }
p.head { display: flex; justify-content: space-between; margin: 0 0 1.5mm; font-size: 10pt; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; border: 1.2pt solid #000; }
td { border: .6pt solid #000; padding: 1.5mm 2mm; vertical-align: middle;
  overflow-wrap: anywhere; }
td.l { text-align: center; }
td.group { text-align: center; font-weight: 700; letter-spacing: .35em; line-height: 1.9; }
td.sign { vertical-align: top; padding-bottom: 1mm; }
td.sign div.text { min-height: 13mm; }
td.sign div.by { text-align: right; line-height: 1.9; }
td pre, td p { margin: 0; font: inherit; white-space: pre-wrap; }
tr { break-inside: avoid; }
div.letter { font-size: 14pt; line-height: 2; }
div.letter p { margin: 0; text-indent: 2em; }
div.letter p.to { text-indent: 0; }
div.letter p.end { text-align: right; text-indent: 0; }
div.letter table { font-size: 10.5pt; line-height: 1.55; margin: 3mm 0; }
p.note { font-size: 9pt; line-height: 1.5; margin: 1.5mm 0 0; }
section.slip { break-inside: avoid; border-top: 1px dashed #000; margin-top: 9mm;
  padding-top: 4mm; }
section.slip h2 { font: 700 14pt/1.3 "SimHei", "Noto Sans CJK SC", sans-serif; text-align: center;
  letter-spacing: .4em; margin: 0 0 3mm; }
@media screen { html { background: #e4e4e1; } body { max-width: 210mm; min-height: 297mm;
  padding: 22mm 20mm 18mm 22mm; margin: 8mm auto; box-shadow: 0 1mm 4mm #0004; } }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def page(title: str, body: str) -> str:
    return _PAGE.substitute(title=escape(title), body=body)


def head(left: str, right: str) -> str:
    return f'<p class="head"><span>{escape(left)}</span><span>{escape(right)}</span></p>'


def cell(text: str, *, span: int = 1, label: bool = False, rows: int = 1) -> str:
    """One cell; a label stands in its middle."""
    kind = ' class="l"' if label else ""
    return f"<td{kind}{_spans(span, rows)}>{_lines(text)}</td>"


def group(text: str, rows: int) -> str:
    """The heading of some rows, at their left, written downwards."""
    return f'<td class="group" rowspan="{rows}">{"<br>".join(map(escape, text))}</td>'


def signed(text: str, people: Sequence[tuple[str, str]], day: str, *, span: int) -> str:
    """A cell for an opinion: what is said, who signed, when, and room for the seal (盖章)."""
    by = "　　".join(f"{escape(title)}：{escape(name) or '　　　　'}" for title, name in people)
    return (
        f'<td class="sign"{_spans(span, 1)}><div class="text">{_lines(text)}</div>'
        f'<div class="by">{by}<br>（盖章）　　{escape(day)}</div></td>'
    )


def table(rows: Iterable[str], widths: Sequence[int]) -> str:
    """`rows` are cells in a row; `widths` in per cent."""
    columns = "".join(f'<col style="width:{width}%">' for width in widths)
    made = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><colgroup>{columns}</colgroup>{made}</table>"


def paragraph(text: str, kind: str = "") -> str:
    return f"<p{f' class={kind!r}' if kind else ''}>{_lines(text)}</p>"


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _spans(columns: int, rows: int) -> str:
    return (f' colspan="{columns}"' if columns > 1 else "") + (
        f' rowspan="{rows}"' if rows > 1 else ""
    )
