"""How the page looks: light and dark, on a screen, on a phone and on paper."""

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--faint:#5b6572;
--rule:#d9dee4;--c0:#0b57c2;--c1:#b04a00;--mark:#fff3c9;--good:#1a7f37;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1a2028;--ink:#e6e9ee;
--faint:#9aa5b3;--rule:#303843;--c0:#7fb3ff;--c1:#ffab70;--mark:#3d3413;--good:#5fd07f;
--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1.5rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,"Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{margin:0;font-size:1.8rem}
h2{margin:2.5rem 0 .75rem;padding-bottom:.25rem;
border-bottom:1px solid var(--rule);font-size:1.3rem}
h3{margin:1.5rem 0 .5rem;font-size:1.05rem}
p{margin:.5rem 0}
code,pre{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.88em}
pre{overflow-x:auto;padding:.75rem;background:var(--card);border-radius:.5rem}
nav{margin-top:.5rem}
nav a{margin-right:1rem}
a{color:var(--c0)}
.faint,.note,.none{color:var(--faint)}
.problem{padding:.6rem .8rem;background:var(--mark);border-radius:.5rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.75rem;
margin:1.25rem 0 0;padding:0;list-style:none}
.tiles li{padding:.7rem .9rem;background:var(--card);border-radius:.5rem}
.tiles strong{display:block;font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles span{display:block;color:var(--faint);font-size:.85rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem}
figure{margin:0;padding:.75rem;background:var(--card);border-radius:.5rem;min-width:0}
figcaption{display:flex;flex-wrap:wrap;gap:0 .9rem;align-items:baseline;margin-bottom:.25rem}
.legend,.note{font-size:.85rem}
.legend>span{margin-right:.8rem}
.key{display:inline-block;width:1rem;height:.2rem;margin-right:.35rem;vertical-align:middle}
.key.c0{background:var(--c0)}
.key.c1{background:var(--c1)}
.chart{display:block;width:100%;height:auto;font-size:12px}
.chart text{fill:var(--ink)}
.chart .faint{fill:var(--faint)}
.grid,.axis,.event,.line{fill:none}
.grid{stroke:var(--rule)}
.axis{stroke:var(--faint)}
.event{stroke:var(--faint);stroke-dasharray:3 3}
.line{stroke-width:1.8;stroke-linejoin:round}
.line.c0{stroke:var(--c0)}
.line.c1{stroke:var(--c1)}
.dot.c0,.bar{fill:var(--c0)}
.dot.c1{fill:var(--c1)}
.column{fill:transparent}
.column:hover{fill:var(--faint);fill-opacity:.15}
.scroll{overflow-x:auto;margin-bottom:1rem}
table{border-collapse:collapse;font-size:.92rem}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--rule);text-align:left;
vertical-align:top}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td code{white-space:nowrap}
th{white-space:nowrap}
td.text:last-child{min-width:14rem}
tr.changed{background:var(--mark)}
tr.changed td:first-child{box-shadow:inset .25rem 0 var(--c1)}
.settings td:first-child,.settings th:first-child{padding-left:.6rem}
details{margin:.75rem 0}
summary{cursor:pointer;color:var(--c0)}
.sentence{display:flex;flex-wrap:wrap;gap:1rem;margin:0 0 1rem;padding:.9rem;
background:var(--card);border-radius:.5rem}
.sentence dl{display:grid;flex:1 1 18rem;grid-template-columns:max-content 1fr;
gap:.15rem .8rem;align-content:start;margin:0}
.sentence dt{color:var(--faint)}
.sentence dd{margin:0}
.sentence .picture{overflow-x:auto;max-width:100%}
.sentence .picture svg{max-width:none}
footer{margin-top:3rem;color:var(--faint);font-size:.85rem}
@media (max-width:40rem){body{padding:1rem}.sentence dl{grid-template-columns:1fr;gap:0}
.sentence dd{margin-bottom:.35rem}}
@media print{body{max-width:none}.column{display:none}figure,.sentence{break-inside:avoid}}
""".strip()
