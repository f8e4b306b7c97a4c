import { shellQuoted } from '../core/plain-text.ts';
import { checksummed } from '../crypto/address.ts';
import { meterWords } from '../protocol/meter/meter-words.ts';
import { networkName } from '../protocol/network-name.ts';
import type { Offer } from '../protocol/x402/offer.ts';
import { COLOURS, escaped, PAY_SCRIPT, PAY_STYLE, payingPageHeaders, payPlace } from './page.ts';
import type { PublicTool } from './public-tool.ts';

/** A page, and the headers that it needs. */
export type Page = { readonly html: string; readonly headers: Readonly<Record<string, string>> };

/** Renders the price of a tool and how to pay it, for a person who opened its URL in a browser, and lets a wallet pay. */
export const paywallPage = ({
  tool,
  offer,
}: {
  readonly tool: PublicTool;
  readonly offer: Offer;
}): Page => ({
  html: document(tool, offer),
  headers: { ...(headers ??= payingPageHeaders(PAGE_STYLE)), 'Cache-Control': 'private, no-store' },
});

let headers: Page['headers'] | undefined;

const WHEN: Readonly<Record<PublicTool['settlement'], string>> = {
  deferred:
    'After the answer; before the tool runs if you are new here. If the tool fails, the call costs nothing: money that has moved becomes your credit here.',
  upfront: 'Before the tool runs. If the tool fails, the money becomes your credit here.',
  credit: 'From credit that you buy here first. A call that fails costs nothing.',
  free: 'Never: the tool is free.',
  card: 'By the operator.',
};

const snippet = (tool: PublicTool, offer: Offer): string => {
  const method =
    tool.method === '*' || tool.method === 'GET' ? '' : `\n  { method: '${tool.method}' },`;
  const ahead =
    tool.settlement === 'credit'
      ? `await agent.topUp('${new URL(offer.resource.url).origin}', '$1.00'); // once\n`
      : '';
  return `import { createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';

const agent = createAgent({
  account: privateKeyToAccount(process.env.AGENT_KEY),
  spend: { perCall: '${tool.dollars}', total: '$10.00' },
});
${ahead}
const response = await agent.fetch(
  ${JSON.stringify(offer.resource.url)},${method}
);
console.log(await response.text(), response.countersign);`;
};

const command = (tool: PublicTool, offer: Offer): string => {
  const pays = tool.settlement === 'credit' ? '--credit' : `--max ${tool.dollars.slice(1)}`;
  const method = tool.method === '*' || tool.method === 'GET' ? '' : ` -X ${tool.method}`;
  return `npx countersign call ${shellQuoted(offer.resource.url)} ${pays}${method}`;
};

/** Lists the other clients that can call the tool: any x402 client, unless the tool requires more than plain x402. */
const others = (tool: PublicTool): string => {
  if (tool.settlement === 'credit') return 'The tool is paid from credit that was bought before.';
  return tool.binding === 'intent'
    ? 'The tool takes only payments that are bound to their request, as this client makes them.'
    : 'Any other client for <a href="https://www.x402.org" rel="noreferrer">x402</a> works as well.';
};

const row = (term: string, detail: string): string =>
  `<div><dt>${term}</dt><dd>${detail}</dd></div>`;

const rows = (tool: PublicTool, offer: Offer): string =>
  [
    ...offer.requirements.flatMap(({ network, payTo, asset, extra }) => [
      row('Network', `<span title="${escaped(network)}">${escaped(networkName(network))}</span>`),
      row('Paid to', `<code>${checksummed(payTo)}</code>`),
      row(
        'Asset',
        `<span title="${escaped(String(extra['name']))}">USDC</span> <code>${checksummed(asset)}</code>`,
      ),
    ]),
    ...(tool.meter === undefined
      ? []
      : [row('Rates', escaped(meterWords(tool.meter, tool.price)))]),
    row('You pay', WHEN[tool.settlement]),
    row('Answer', `<code>${escaped(tool.mimeType)}</code>`),
  ].join('\n');

const document = (tool: PublicTool, offer: Offer): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escaped(tool.id)}: payment required</title>
<style>${PAGE_STYLE}</style>
${PAY_SCRIPT}
</head>
<body>
<main>
<p class="status">402 Payment required</p>
<h1>${escaped(tool.id)}</h1>
<p class="about">${escaped(tool.description)}</p>
<p class="price"><strong>${tool.dollars.slice(1)}</strong> <span>USDC ${tool.pricing === 'upto' ? 'at most ' : ''}per call</span></p>
${payPlace(tool)}
<dl class="terms">
${rows(tool, offer)}
</dl>
<p class="hint">Do not send money to an address on this page yourself: only a signed payment buys a call.</p>
<h2>How software calls it</h2>
<p>There is no account and no API key: a client signs the price for one call, and sends the call again with that signature.
${others(tool)}</p>
<pre tabindex="0" role="region" aria-label="Command"><code>${escaped(command(tool, offer))}</code></pre>
<pre tabindex="0" role="region" aria-label="Example in JavaScript"><code>${escaped(snippet(tool, offer))}</code></pre>
<p class="note">Opening this page has charged nothing.</p>
</main>
</body>
</html>
`;

/** The page's only style: its hash is in the Content-Security-Policy. */
export const PAGE_STYLE = `${COLOURS}
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
${PAY_STYLE}
div.pay{margin:0 0 1.5rem}
.hint{margin:.75rem 0 0;color:var(--soft);font-size:.875rem}
dl{margin:0;border-top:1px solid var(--line)}
dl div{display:flex;gap:1rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 6rem}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
code{font:.8125rem/1.6 ui-monospace,monospace}
pre{margin:0 0 1rem;padding:1rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--ground);border:1px solid var(--line);border-radius:.5rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.note{margin:0}
@media (max-width:40rem){main{margin:0;padding:1.5rem 1.25rem;border:0;border-radius:0;min-height:100vh}dl div{flex-direction:column;gap:0}dt{flex:none;font-size:.875rem}}
`;
