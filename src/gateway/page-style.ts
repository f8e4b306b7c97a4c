/** The page's style. Its hash is in the page's Content-Security-Policy, so that no other style counts. */
export const PAGE_STYLE = `
:root{--ground:#f6f6f3;--sheet:#fff;--ink:#1b1d1f;--soft:#5a6066;--line:#dcdcd6;--accent:#0b6b4f}
@media (prefers-color-scheme:dark){:root{--ground:#131516;--sheet:#1b1e20;--ink:#eceeee;--soft:#a3aab0;--line:#34393c;--accent:#5fd0a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{max-width:48rem;margin:3rem auto;padding:2.5rem;background:var(--sheet);border:1px solid var(--line);border-radius:.75rem}
p{margin:0 0 1rem}
h1{margin:0 0 .5rem;font-size:2rem;line-height:1.2;overflow-wrap:anywhere}
h2{margin:2rem 0 .5rem;font-size:1.125rem}
.status{margin:0 0 .75rem;color:var(--accent);font-size:.875rem;font-weight:600}
.about,.note,dt,.price span{color:var(--soft)}
.about{overflow-wrap:anywhere}
.price{margin:1.5rem 0}
.price strong{font-size:2.5rem;line-height:1;font-variant-numeric:tabular-nums}
dl{margin:0;border-top:1px solid var(--line)}
dl div{display:flex;gap:1rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 6rem}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
code{font:.8125rem/1.6 ui-monospace,monospace}
pre{margin:0 0 1rem;padding:1rem;overflow-x:auto;background:var(--ground);border:1px solid var(--line);border-radius:.5rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.note{margin:0}
@media (max-width:40rem){main{margin:0;padding:1.5rem 1.25rem;border:0;border-radius:0;min-height:100vh}dl div{flex-direction:column;gap:0}dt{flex:none;font-size:.875rem}}
`;
