import type { Tool } from '../catalog/tool.ts';
import { formatDollars } from '../protocol/amount.ts';
import { encodeBase64, utf8, bytesOf } from '../crypto/bytes.ts';
import { checksummed } from '../crypto/checksum.ts';
import { sha256Hex } from '../crypto/digest.ts';
import type { Offer } from '../protocol/x402/offer.ts';
import { PAGE_STYLE } from './page-style.ts';

/** A page, and the headers it must be served with. */
export type Page = { readonly html: string; readonly headers: Readonly<Record<string, string>> };

/** What a tool costs and how it is paid, for a person who opened its address in a browser. Status 402, no script, no asset. */
export const paywallPage = ({
  tool,
  offer,
}: {
  readonly tool: Tool;
  readonly offer: Offer;
}): Page => ({
  html: document(tool, offer),
  headers: {
    'Content-Security-Policy': contentSecurityPolicy(),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'private, no-store',
  },
});

let policy: string | undefined;

/** Nothing but this page's own style: markup that got through all the same could neither run nor load anything. */
const contentSecurityPolicy = (): string => {
  policy ??= [
    "default-src 'none'",
    `style-src 'sha256-${encodeBase64(bytesOf(sha256Hex(utf8(PAGE_STYLE))))}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return policy;
};

const SIGNS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for quoted attributes. The URL is the visitor's, or of whoever sent the visitor here. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');

const WHEN: Readonly<Record<Tool['settlement'], string>> = {
  deferred: 'after the answer; nothing is charged if the tool fails',
  upfront: 'before the tool runs; it becomes credit if the tool fails',
  credit: 'from prepaid credit',
  free: 'never: the tool is free',
};

const snippet = (tool: Tool, offer: Offer): string => {
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
  spend: { perCall: '${formatDollars(tool.price)}', total: '$10.00' },
});
${ahead}
const response = await agent.fetch(
  ${JSON.stringify(offer.resource.url)},${method}
);
console.log(await response.text(), response.countersign);`;
};

/** Who else can call it: any x402 client, unless the tool wants more than plain x402 says. */
const others = (tool: Tool): string => {
  if (tool.settlement === 'credit') return 'The tool is paid from credit that was bought before.';
  return tool.requireBinding === 'intent'
    ? 'The tool takes only payments that are bound to their request, as this client makes them.'
    : 'Any other client for <a href="https://www.x402.org" rel="noreferrer">x402</a> works as well.';
};

const row = (term: string, detail: string): string =>
  `<div><dt>${term}</dt><dd>${detail}</dd></div>`;

const rows = (tool: Tool, offer: Offer): string =>
  [
    ...offer.requirements.flatMap(({ network, payTo, asset, extra }) => [
      row('Network', `<code>${escaped(network)}</code>`),
      row('Pay to', `<code>${checksummed(payTo)}</code>`),
      row('Asset', `${escaped(String(extra['name']))} <code>${checksummed(asset)}</code>`),
    ]),
    row('Paid', WHEN[tool.settlement]),
    row('Answer', `<code>${escaped(tool.mimeType)}</code>`),
  ].join('\n');

const document = (tool: Tool, offer: Offer): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escaped(tool.id)}: payment required</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<p class="status">402 Payment required</p>
<h1>${escaped(tool.id)}</h1>
<p class="about">${escaped(tool.description)}</p>
<p class="price"><strong>${formatDollars(tool.price)}</strong> <span>${tool.pricing === 'upto' ? 'at most, ' : ''}per call, in USDC</span></p>
<dl>
${rows(tool, offer)}
</dl>
<h2>How to call it</h2>
<p>This tool is for software that holds a wallet. There is no account and no API key: a client signs the price for one call,
and sends the call again with that signature. ${others(tool)}</p>
<pre tabindex="0" role="region" aria-label="Example in JavaScript"><code>${escaped(snippet(tool, offer))}</code></pre>
<p class="note">Opening this page has charged nothing.</p>
</main>
</body>
</html>
`;
