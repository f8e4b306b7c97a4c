import type { Seconds } from '../core/clock.ts';
import { shellQuoted } from '../core/plain-text.ts';
import { checksummed } from '../crypto/address.ts';
import { escaped, PAY_SCRIPT, payPlace } from '../gateway/page.ts';
import { meterWords } from '../protocol/meter/meter-words.ts';
import { exampleCall, type ExampleCall } from './example-call.ts';
import { HOME_STYLE } from './home-style.ts';
import { DOCUMENTS, type ListedTool, type Listing, type Payee } from './listing.ts';
import { networkName } from '../protocol/network-name.ts';
import { type HealthState, isoTime, type ToolHealth } from '../audit/tool-health.ts';

/** Renders what a gateway sells, for a person, and lets a wallet pay for each tool. */
export const homePage = (listing: Listing): string => {
  const { audience, tools, isPaused } = listing;
  const { host } = new URL(audience);
  return page(
    `${host}: tools and prices`,
    `<a class="skip" href="#tools">Skip to the tools</a>
<header>
<p class="status${isPaused ? ' bad' : ''}">${isPaused ? 'Paused: takes no new calls now' : 'Open for calls'}</p>
<h1>${escaped(host)}</h1>
<p class="about">${tools.length === 1 ? 'One tool' : `${tools.length} tools`} for agents, and for anyone with a wallet. Your wallet pays for each
call: it signs the price, in USDC, a digital dollar. You need no account, no API key and no other coin: the gateway pays the network. If a tool
fails, the call costs nothing: money that has already moved becomes your credit here.</p>
${payees(listing)}
</header>
<main>
<h2 id="tools" tabindex="-1">Tools and prices</h2>
${tools.length === 0 ? '<p>This gateway sells no tool now.</p>' : `<ul class="tools">\n${tools.map((tool) => item(tool, listing.at)).join('\n')}\n</ul>`}
<h2>How to connect</h2>
<dl class="ways">
${way('MCP, for example in Claude Code: a bridge pays, at most $1', bridgeCommands(audience, host))}
${tools.length === 0 ? '' : way('In JavaScript', script(exampleOf(tools)))}
</dl>
<h2>For programs</h2>
<ul class="documents">
${documents(audience)}
</ul>
</main>
<footer><p>${freshness(listing)} Opening this page has charged nothing.</p></footer>`,
    PAY_SCRIPT,
  );
};

/** Tells a visitor, most likely its operator, that the gateway does not run yet. Names settings, never their values. */
export const faultPage = (
  faults: readonly { readonly name: string; readonly reason: string }[],
): string =>
  page(
    'Gateway not configured',
    `<header>
<p class="status bad">503 Not configured</p>
<h1>This gateway does not run yet</h1>
<p class="about">It takes no calls and has charged nothing. Its operator must correct these settings and deploy again:</p>
</header>
<main>
<ul class="faults">
${faults.map(({ name, reason }) => `<li><code>${escaped(name)}</code> ${escaped(reason)}</li>`).join('\n')}
</ul>
</main>`,
  );

const page = (title: string, body: string, script = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${HOME_STYLE}</style>
${script}
</head>
<body>
<div class="sheet">
${body}
</div>
</body>
</html>
`;

const payees = ({ payees: all }: Listing): string =>
  all.length === 0
    ? ''
    : `<dl class="payees">\n${all.map(payee).join('\n')}\n</dl>
<p class="about">Do not send money there yourself: only a signed payment buys a call.</p>`;

const payee = ({ network, asset, payTo, extra }: Payee): string =>
  [
    ['Network', `<span title="${escaped(network)}">${escaped(networkName(network))}</span>`],
    ['Paid to', `<code>${checksummed(payTo)}</code>`],
    [
      'Asset',
      `<span title="${escaped(String(extra['name']))}">USDC</span> <code>${checksummed(asset)}</code>`,
    ],
  ]
    .map(([term = '', detail = '']) => `<div><dt>${term}</dt><dd>${detail}</dd></div>`)
    .join('\n');

const WHEN: Readonly<Record<ListedTool['settlement'], string>> = {
  deferred: 'You pay after the answer; before the tool runs if you are new here',
  upfront: 'You pay before the tool runs; the money becomes credit here if the tool fails',
  credit: 'You pay from credit that you buy here first',
  free: 'The signature only shows who calls',
  card: 'A card of the operator pays, within the budget that the operator gives you',
};

const item = (tool: ListedTool, now: Seconds): string => `<li>
<h3>${escaped(tool.id)}</h3>
<p class="price"><strong>${price(tool)}</strong>${priceNote(tool)}</p>
<p class="about">${escaped(tool.description)}</p>
${rates(tool)}<p class="facts"><code>${tool.method === '*' ? 'any method' : escaped(tool.method)} ${escaped(tool.path)}</code>
<span>${WHEN[tool.settlement]}${tool.binding === 'intent' ? '; takes only payments that are bound to their request' : ''}</span>
${health(tool.health, now)}</p>
${payPlace(tool)}
<details><summary>Call ${escaped(tool.id)} with a command</summary>
<dl class="ways">
${way('With the command line', countersignCall(tool))}
${way(isOffered(tool) ? 'See the offer, with curl' : 'See what to sign, with curl', curlCall(tool))}
</dl>
</details>
</li>`;

/** Whether a 402 offers the tool; other tools answer 401 with what to sign. */
const isOffered = ({ settlement }: ListedTool): boolean =>
  settlement !== 'free' && settlement !== 'card';

/** A card pays dollars, not a token. */
const price = ({ settlement, dollars }: ListedTool): string => {
  if (settlement === 'free') return 'Free';
  return settlement === 'card' ? dollars : `${dollars.slice(1)} USDC`;
};

const priceNote = ({ settlement, pricing }: ListedTool): string => {
  if (settlement === 'free') return '';
  return pricing === 'upto' ? ' at most, per call' : ' per call';
};

const rates = ({ meter, price: maximum }: ListedTool): string =>
  meter === undefined ? '' : `<p class="about">${escaped(meterWords(meter, maximum))}.</p>\n`;

const STATES: Readonly<Record<HealthState, string>> = {
  working: 'Working',
  failing: 'Failing',
  unknown: 'No call in the last day',
};

const health = ({ state, lastSuccess }: ToolHealth, now: Seconds): string => {
  const last =
    lastSuccess === undefined
      ? ''
      : `, last success <time datetime="${escaped(lastSuccess)}">${escaped(since(lastSuccess, now))}</time>`;
  return `<span class="${state}">${STATES[state]}${last}</span>`;
};

/** Writes how long ago a time was; if only the day is known, it is older than all recent calls, and is shown as a date. */
const since = (time: string, now: Seconds): string => {
  if (!time.includes('T')) return `on ${time}`;
  const seconds = Math.max(0, now - Math.floor(Date.parse(time) / 1000));
  if (seconds < 60) return 'less than a minute ago';
  const [size, unit] =
    seconds < 3_600 ? [Math.floor(seconds / 60), 'minute'] : [Math.floor(seconds / 3_600), 'hour'];
  return `${size} ${unit}${size === 1 ? '' : 's'} ago`;
};

const countersignCall = (tool: ListedTool): string => {
  const pay =
    tool.settlement === 'credit'
      ? ' --credit'
      : tool.settlement === 'free'
        ? ''
        : ` --max ${tool.dollars.slice(1)}`;
  const { url, ...rest } = exampleCall(tool);
  return `npx countersign call ${shellQuoted(url)}${pay}${curlOptions(rest)}`;
};

const curlCall = (tool: ListedTool): string => {
  const { url, ...rest } = exampleCall(tool);
  return `curl -i ${shellQuoted(url)}${curlOptions(rest)}`;
};

/** curl and `countersign call` send GET without a body, and POST with one. */
const curlOptions = ({ method, body }: Pick<ExampleCall, 'method' | 'body'>): string => {
  const option = method === (body === undefined ? 'GET' : 'POST') ? '' : ` -X ${method}`;
  return body === undefined
    ? option
    : `${option} -H 'content-type: application/json' -d ${shellQuoted(body)}`;
};

/** The tool of the example: paid, with a single path, a GET if there is one, and the cheapest. */
const exampleOf = (tools: readonly ListedTool[]): ListedTool => {
  const dear = ({ path, method, price }: ListedTool): bigint =>
    (path.endsWith('*') ? 4n : 0n) * MANY +
    (price === 0n ? 2n : 0n) * MANY +
    (method === 'GET' ? 0n : MANY) +
    price;
  return tools.reduce((best, tool) => (dear(tool) < dear(best) ? tool : best));
};

/** More than any price. */
const MANY = 10n ** 18n;

const script = (tool: ListedTool): string => {
  const { url, method, body } = exampleCall(tool);
  const init =
    body === undefined && method === 'GET'
      ? ''
      : `, {\n  method: '${method}', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)},\n}`;
  return `import { createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';

const agent = createAgent({
  account: privateKeyToAccount(process.env.AGENT_KEY),
  spend: { perCall: '${tool.dollars}', total: '$1.00' },
});
const response = await agent.fetch(${JSON.stringify(url)}${init});
console.log(await response.text(), response.countersign);`;
};

/** A host that connects by HTTP lists the tools but cannot pay, so the page names the bridge. */
const bridgeCommands = (audience: string, host: string): string =>
  `npx countersign keys new shopper
claude mcp add --env COUNTERSIGN_PASSWORD=... --transport stdio ${host.replace(/[^A-Za-z0-9]+/g, '-')} -- npx countersign mcp ${audience}${DOCUMENTS.mcp} --as shopper --total 1`;

const way = (name: string, text: string): string =>
  `<div><dt>${escaped(name)}</dt><dd><pre tabindex="0" role="region" aria-label="${escaped(name)}"><code>${escaped(text)}</code></pre></dd></div>`;

const documents = (audience: string): string =>
  [
    [DOCUMENTS.mcp, 'MCP endpoint (Streamable HTTP)'],
    [DOCUMENTS.openapi, 'OpenAPI, with prices'],
    [DOCUMENTS.x402, 'payment terms for x402 indexes'],
    [DOCUMENTS.llms, 'for language models'],
    [DOCUMENTS.signing, 'how to bind a payment to its request'],
    [DOCUMENTS.keys, 'keys that sign receipts'],
  ]
    .map(([path = '', about = '']) =>
      path === DOCUMENTS.mcp
        ? `<li><code>${audience}${path}</code> ${about}</li>`
        : `<li><a href="${path}"><code>${path}</code></a> ${about}</li>`,
    )
    .join('\n');

const freshness = ({ at, healthAt }: Listing): string => {
  const prices = `Prices as of <time datetime="${isoTime(at)}">${clock(at)}</time>.`;
  return healthAt === undefined
    ? `${prices} The health of the tools is not known now.`
    : `${prices} Health as of <time datetime="${isoTime(healthAt)}">${clock(healthAt)}</time>, from the newest calls.`;
};

const clock = (at: Seconds): string => `${isoTime(at).slice(11, 19)} UTC`;
