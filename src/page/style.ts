/** The look of pages: light and dark, on a phone, on paper. */
export const STYLE = `
:root { color-scheme: light dark; --page: #fbfbfa; --card: #ffffff; --ink: #1c1c1a; --soft: #5f5e5a; --rule: #e4e3df; --track: #efeeea;
  --exact: #2a78d6; --append: #1a8f6f; --plain: #d9622b; --realtime: #c2417c; --parse: #8a6fd1; --decode: #8b8a84; --limit: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --card: #1e1e1c; --ink: #ecebe6; --soft: #a6a59e; --rule: #383834; --track: #2a2a27;
  --exact: #6aa9f0; --append: #45c39c; --plain: #f08a55; --realtime: #f07db0; --parse: #b09bea; --decode: #a3a29b; --limit: #f28b82; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 1.2rem; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 0 0 8px; }
p { margin: 0 0 12px; max-width: 70ch; }
.soft, .note { color: var(--soft); }
.note { font-size: .9rem; } .scroll + .note, .note + .note { margin-top: 10px; }
.warning { border-left: 4px solid var(--limit); padding-left: 10px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 18px; margin-top: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 26px; margin: 14px 0; }
figure { margin: 0; max-width: 560px; }
figcaption { font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--ink); font-size: 14px; font-family: inherit; }
svg .value { font-weight: 600; }
svg .axis { fill: var(--soft); font-size: 13px; }
svg .on-grid { paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
.track { fill: var(--track); } .grid { stroke: var(--rule); } .tick { stroke: var(--soft); }
.limit { stroke: var(--limit); stroke-dasharray: 2 4; stroke-width: 1.5; }
.c-exact { --colour: var(--exact); } .c-append { --colour: var(--append); } .c-plain { --colour: var(--plain); }
.c-realtime { --colour: var(--realtime); } .c-parse { --colour: var(--parse); } .c-decode { --colour: var(--decode); }
.fill { fill: var(--colour); } .line { stroke: var(--colour); stroke-width: 2.25; fill: none; stroke-linejoin: round; } .dashed { stroke-dasharray: 5 4; }
.dot { fill: var(--colour); stroke: var(--colour); stroke-width: 1.5; } .hollow { fill: var(--card); }
.legend { list-style: none; margin: 6px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: .85rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: 6px; } .legend svg { width: 26px; flex: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; margin-top: 8px; }
th, td { padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { font-weight: 500; } thead th { color: var(--soft); } th:first-child { text-align: left; }
.facts th, .facts td { text-align: left; white-space: normal; vertical-align: top; overflow-wrap: anywhere; } .facts th { width: 11em; }
@media print { :root { color-scheme: light; } body { background: #fff; font-size: 12px; } section, .tile { break-inside: avoid; } .scroll { overflow: visible; } }
`;
