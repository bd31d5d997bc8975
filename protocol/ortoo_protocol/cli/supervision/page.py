"""The year's report as one page: an official document (GB/T 9704) on A4, nothing from outside.

Red head, number, rule, title, recipient, numbered sections, signature with the place of the seal,
annexes. Fonts are named as offices have them, with free ones behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from ortoo_protocol.cli.catalog.plots import bars, columns
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.cli.supervision.document import Cell, Document, Plot, Section, Table
from ortoo_protocol.cli.supervision.figures import points
from ortoo_protocol.i18n import mark

NUMERALS = "一二三四五六七八九十"
WIDE = 7  # columns from which a table is set small
WHOLE = 20  # rows up to which a table is not parted

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { --body: "FangSong", "FangSong_GB2312", "仿宋_GB2312", "仿宋", "STFangsong",
  "Noto Serif CJK SC", "Source Han Serif SC", serif;
  --black: "SimHei", "黑体", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif;
  --kai: "KaiTi", "KaiTi_GB2312", "楷体", "STKaiti", "Noto Serif CJK SC", serif;
  --song: "FZXiaoBiaoSong-B05S", "方正小标宋简体", "STZhongsong", "Noto Serif CJK SC", serif; }
body { font: 16pt/28pt var(--body); color: #111; background: #e9e9e6; margin: 0; }
main { background: #fff; width: 156mm; margin: 8mm auto; padding: 37mm 26mm 35mm 28mm;
  box-shadow: 0 1px 6px rgba(0, 0, 0, .25); }
.mark { font: 700 34pt/1.25 var(--song); color: #d7000f; text-align: center; letter-spacing: .08em;
  margin: 0 0 14mm; text-wrap: balance; }
.mark.long { font-size: 26pt; letter-spacing: 0; }
.numbers { display: flex; justify-content: space-between; margin: 0 1em 2mm; }
.numbers .sign { font-family: var(--kai); }
.numbers b { font-weight: 400; font-family: var(--body); }
.red { border-top: 2.2pt solid #d7000f; margin: 0 0 14mm; }
h1 { font: 700 22pt/33pt var(--song); text-align: center; margin: 0 0 10mm;
  text-wrap: balance; }
p { margin: 0; text-indent: 2em; text-align: justify; overflow-wrap: anywhere; }
p.to, p.plain { text-indent: 0; }
h2 { font: 400 16pt/28pt var(--black); margin: .35em 0 0; text-indent: 2em; break-after: avoid; }
figure { margin: 3mm 0; break-inside: avoid; }
figcaption, caption { font: 400 12pt/18pt var(--black); text-align: center; padding: 1.5mm 0; }
caption { caption-side: top; }
table { border-collapse: collapse; width: 100%; margin: 2mm 0 4mm; font-size: 10.5pt;
  line-height: 15pt; }
table.wide { font-size: 8pt; line-height: 11.5pt; }
th { font: 400 1em/1.35 var(--black); background: #f3f1ec; }
th, td { border: .5pt solid #444; padding: .7mm 1mm; text-align: center; vertical-align: middle;
  overflow-wrap: anywhere; }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
table.whole { break-inside: avoid; }
td:first-child, td.t { text-align: left; }
table.wide td:first-child { min-width: 5.5em; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px var(--black); fill: #222; }
svg .l { text-anchor: end; }
svg .c { text-anchor: middle; }
svg .g { stroke: #ccc; stroke-width: .6; }
svg .i, svg .d { text-anchor: middle; fill: #fff; }
svg .d { fill: #1b1b1b; }
.legend { font: 10pt/15pt var(--black); text-indent: 0; text-align: center; }
.legend span { margin: 0 .7em; white-space: nowrap; }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .35em;
  vertical-align: -.1em; }
.end { display: flex; justify-content: flex-end; margin: 22mm 1em 0 0; break-inside: avoid; }
.end div { position: relative; text-align: center; min-width: 15em; padding: 9mm 4mm; }
.end p { text-indent: 0; text-align: center; }
.end .seal { position: absolute; left: 50%; top: 50%; width: 40mm; height: 40mm;
  margin: -20mm 0 0 -20mm; border: 1.2pt dashed #d7000f; border-radius: 50%;
  opacity: .55; box-sizing: border-box; }
.end .seal span { position: absolute; left: 0; right: 0; bottom: 2mm; font: 9pt/1 var(--kai);
  color: #d7000f; }
.list { margin-top: 6mm; break-inside: avoid; break-after: avoid; }
.annex { break-before: page; page: wide; padding-top: 4mm; margin-top: 14mm;
  border-top: 1px dashed #bbb; }
.annex h2 { text-indent: 0; font-size: 15pt; }
.annex p { font-size: 12pt; line-height: 20pt; }
footer { margin-top: 14mm; border-top: .5pt solid #444; border-bottom: .5pt solid #444;
  padding: 1.5mm 1em; font-size: 10.5pt; line-height: 16pt; overflow-wrap: anywhere;
  break-inside: avoid; }
@page { size: A4; margin: 37mm 26mm 30mm 28mm;
  @bottom-center { content: "— " counter(page) " —"; font: 14pt serif; } }
@page wide { size: A4 landscape; margin: 22mm 20mm 20mm; }
@media screen and (max-width: 210mm) { main { width: auto; margin: 0; padding: 10mm 5mm; } }
@media print { body { background: none; }
  main { width: auto; margin: 0; padding: 0; box-shadow: none; }
  .annex { border-top: 0; margin-top: 0; padding-top: 0; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
</style>
</head>
<body>
<main>
<p class="mark plain$long">$authority</p>
<div class="numbers"><span>$number</span><span class="sign">$signer</span></div>
<div class="red"></div>
<h1>$title</h1>
<p class="to">$recipient</p>
<p>$opening</p>
$body
$list
<div class="end"><div><p>$signed</p><p>$day</p>
<span class="seal"><span>$seal</span></span></div></div>
$annexes
<footer>$sources</footer>
</main>
</body>
</html>
""")


def page(shell: Shell, document: Document) -> str:
    """The whole page; every text in it is escaped."""
    word = shell.word
    chinese = document.language.startswith("zh")
    annexes = "".join(
        f'<section class="annex">{_section(each, each.heading)}</section>'
        for each in document.annexes
    )
    return _PAGE.substitute(
        language=escape(document.language.replace("_", "-")),
        title=escape(document.title),
        authority=escape(document.authority),
        long=" long" if len(document.authority) > 11 else "",
        number=escape(document.number) or escape(word(mark("Number: ________"))),
        signer=escape(shell.say("Signed for issue: {name}", name=document.signer or "________")),
        recipient=escape(document.recipient or "________________") + ("：" if chinese else ":"),
        opening=escape(document.opening),
        body="\n".join(
            _section(each, heading(place, each.heading, chinese=chinese))
            for place, each in enumerate(document.sections)
        ),
        list=_annex_list(shell, document),
        signed=escape(document.authority),
        day=escape(document.day),
        seal=escape(word(mark("(place of the seal)"))),
        annexes=annexes,
        sources=escape(document.sources),
    )


def heading(place: int, text: str, *, chinese: bool) -> str:
    """Numbered as official documents are: 一、二、三、; plain figures otherwise."""
    return f"{NUMERALS[place]}、{text}" if chinese else f"{place + 1}. {text}"


def _annex_list(shell: Shell, document: Document) -> str:
    named = "".join(f"<p>{escape(each.heading)}</p>" for each in document.annexes)
    return f'<div class="list">{named}</div>' if named else ""


def _section(section: Section, title: str) -> str:
    parts = [f"<h2>{escape(title)}</h2>"]
    parts += [f"<p>{escape(text)}</p>" for text in section.paragraphs]
    parts += [_figure(plot) for plot in section.plots]
    parts += [_table(table) for table in section.tables]
    return "\n".join(parts)


def _figure(plot: Plot) -> str:
    if plot.standing:
        drawn = columns(plot.rows, plot.parts, plot.title)
    else:
        say = points if plot.scale == 1_000 else str
        drawn = bars(plot.rows, plot.parts, plot.title, say)
    return f"<figure>{drawn}<figcaption>{escape(plot.title)}</figcaption></figure>"


def _table(table: Table) -> str:
    meant = {"wide": len(table.headings) >= WIDE, "whole": len(table.rows) <= WHOLE}
    names = [name for name, is_so in meant.items() if is_so]
    kind = f' class="{" ".join(names)}"' if names else ""
    head = "".join(f"<th>{escape(each)}</th>" for each in table.headings)
    body = "".join(f"<tr>{''.join(_cells(table, row))}</tr>\n" for row in table.rows)
    return (
        f"<table{kind}><caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    )


def _cells(table: Table, row: Sequence[Cell]) -> Iterable[str]:
    for place, value in enumerate(row):
        if isinstance(value, int):
            yield f'<td class="n">{value:,}</td>'
        else:
            kind = "n" if place in table.numbers else "t"
            yield f'<td class="{kind}">{escape(value)}</td>'
