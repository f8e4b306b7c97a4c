import { COLOURS, PAY_STYLE } from '../gateway/page.ts';

/** The page's only style: its hash is in the Content-Security-Policy. */
export const HOME_STYLE = `${COLOURS}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
.sheet{max-width:60rem;margin:3rem auto;padding:2.5rem;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem}
p,ul,dl,dd{margin:0}
ul{padding:0;list-style:none}
h1{margin:0 0 .5rem;font-size:2rem;line-height:1.2;overflow-wrap:anywhere}
h2{margin:2.5rem 0 .75rem;font-size:1.25rem}
h3{margin:0;font-size:1.0625rem;overflow-wrap:anywhere}
.status{margin:0 0 .75rem;color:var(--ok);font-size:.875rem;font-weight:600}
.about,dt,footer,.facts,.documents,.price{color:var(--soft)}
.about{overflow-wrap:anywhere}
header .about{max-width:44rem}
.payees{margin-top:1.25rem;font-size:.875rem}
.payees div{display:flex;gap:0 1rem;padding:.125rem 0}
.payees dt{flex:0 0 4.5rem}
.payees+.about{margin-top:.5rem;font-size:.875rem}
.payees dd{min-width:0;overflow-wrap:anywhere}
.tools{border-top:1px solid var(--line)}
.tools>li{display:grid;grid-template-columns:1fr auto;gap:.25rem 1.5rem;padding:1.25rem 0;border-bottom:1px solid var(--line)}
.tools .about,.facts,details{grid-column:1}
.tools .pay{grid-area:2/2/span 3;justify-self:end}
.tools .pay:has(.panel){grid-area:auto/1/auto/-1;justify-self:stretch}
.price{font-size:.875rem;text-align:right}
.price strong{color:var(--ink);font-size:1.125rem;font-variant-numeric:tabular-nums}
.facts{display:flex;flex-wrap:wrap;gap:.125rem 1.25rem;font-size:.875rem}
.facts code{flex-basis:100%;color:var(--ink);overflow-wrap:anywhere}
.working{color:var(--ok)}
.failing,.bad{color:var(--alarm)}
.failing{font-weight:600}
summary{display:inline-block;padding:.25rem 0;color:var(--accent);font-size:.875rem;cursor:pointer}
summary::before{content:"+ "}
details[open]>summary::before{content:"\\2212  "}
.ways dt{margin:.5rem 0 .25rem;font-size:.875rem}
${PAY_STYLE}
button.pay{padding:.25rem .75rem;background:none;color:var(--accent);font-size:.875rem}
button.pay:hover{background:var(--accent);color:var(--on-accent);filter:none}
code{font:.8125rem/1.6 ui-monospace,monospace}
pre{margin:0;padding:.75rem 1rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--ground);border:1px solid var(--line);border-radius:.5rem}
pre code{user-select:all}
.documents li,.faults li{padding:.125rem 0;overflow-wrap:anywhere}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:1rem;padding:.5rem .75rem;background:var(--sheet)}
footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);font-size:.875rem}
@media (max-width:40rem){.sheet{margin:0;padding:1.5rem 1.25rem;border:0;border-radius:0;min-height:100vh}.tools>li{grid-template-columns:1fr}.price{text-align:left}.tools .pay{grid-area:auto;justify-self:start;margin:.25rem 0}}
`;
