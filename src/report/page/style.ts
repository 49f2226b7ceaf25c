/** What a report looks like, beyond what all pages do. */
import { STYLE } from "../../page/style.ts";

const LIGHT = `--page: #fff; --card: #fff; --ink: #000; --soft: #3a3a38; --rule: #bbb; --track: #eee; --ok: #0b5c30; --limit: #8f1d17; --skip: #3a3a38;
  --exact: #2a78d6; --append: #1a8f6f; --plain: #d9622b; --realtime: #c2417c; --parse: #8a6fd1; --decode: #8b8a84;`;

export const REPORT_STYLE = `${STYLE}
:root { --ok: #137a3f; --skip: #5f5e5a; }
@media (prefers-color-scheme: dark) { :root { --ok: #63d195; --skip: #a6a59e; } }
main { overflow-wrap: anywhere; }
nav ul { list-style: none; margin: 8px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
a { color: var(--exact); } @media (prefers-color-scheme: light) { a { color: #1c5fb0; } }
h2 { margin-top: 32px; } section h2 { margin-top: 0; }
h3 { font-size: 1.1rem; } h4 { font-size: 1rem; margin: 18px 0 6px; }
code { font-size: .92em; }
.verdict { font-size: 1.4rem; font-weight: 700; margin: 0 0 4px; }
.pass .result, .verdict.pass { color: var(--ok); } .fail .result, .verdict.fail { color: var(--limit); } .skipped .result { color: var(--skip); }
.checks + h3 { margin-top: 20px; }
.checks { list-style: none; margin: 0; padding: 0; }
.checks li { display: grid; grid-template-columns: 5.2em minmax(0, 17em) minmax(0, 1fr); gap: 0 12px; padding: 6px 0; border-bottom: 1px solid var(--rule); }
.result { font-weight: 700; } .reason { color: var(--soft); white-space: pre-line; }
section .tiles { grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); margin: 10px 0 14px; }
section .tile { background: none; } section .tile b { font-size: 1.25rem; }
figure { max-width: 460px; } figure.wide { max-width: none; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
svg .small { font-size: 13px; } svg .soft { fill: var(--soft); } svg .part { stroke: var(--card); stroke-width: 1.5; }
svg .box { fill: var(--track); stroke: var(--rule); } svg .edge { stroke: var(--soft); fill: none; stroke-width: 1.25; } svg .head { fill: var(--soft); } svg .thin { stroke-width: 1.4; }
.scroll:focus-visible { outline: 2px solid var(--exact); } .scroll > svg { max-width: none; overflow: hidden; }
.words th, .words td { text-align: left; white-space: normal; vertical-align: top; min-width: 6em; max-width: 26em; overflow-wrap: break-word; }
td:last-child, thead th:last-child { padding-right: 0; }
.nowrap { white-space: nowrap; }
@media screen and (max-width: 560px) { table { font-size: .85rem; } th, td { padding-right: 9px; } .words { width: max-content; min-width: 100%; } .words th, .words td { max-width: 20em; } section { padding: 14px; } .checks li { grid-template-columns: 5.2em minmax(0, 1fr); } .reason { grid-column: 2; } .facts th { width: 8em; } }
@page { margin: 14mm; }
@media print { :root { ${LIGHT} } main { max-width: none; padding: 0; } section { break-inside: auto; padding: 10px 0; border-width: 1px 0 0; border-radius: 0; } nav { display: none; }
  figure, tr, .checks li, .tile { break-inside: avoid; } h2, h3, h4, thead, figcaption { break-after: avoid; } svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll > svg { width: 100% !important; } .words th, .words td { min-width: 5em; overflow-wrap: anywhere; } td:last-child, thead th:last-child { padding-right: 0; }
.nowrap { white-space: normal; } .words { font-size: 10px; } td, th { white-space: normal; padding-right: 8px; } .charts { grid-template-columns: 1fr 1fr; } figure { max-width: 330px; } }
`;
