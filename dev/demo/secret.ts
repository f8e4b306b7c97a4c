import { parseMoney } from '../../src/protocol/amount.ts';
import { lowerAscii } from '../../src/vault/forms.ts';
import { writtenForms } from '../written-forms.ts';
import { MARKET_SECRET, QUOTES } from '../stack/market.ts';
import { type DemoMarket, LEAKS } from '../upstream/market.ts';
import { type Answer, answerOf, initOf, jsonOf, textOf, type ToolRequest } from './exchange.ts';
import { buy, byAgent } from './purchase.ts';
import type { Scene } from './scene.ts';

/** Everything in an answer that the agent can read. Each byte becomes one character, so that invalid UTF-8 hides no form of the key. */
const shownOf = ({ headers, bytes }: Answer): string =>
  `${[...headers].map(([name, value]) => `${name}: ${value}\n`).join('')}${Buffer.from(bytes).toString('latin1')}`;

const leaksOf = (answer: Answer, key: string): readonly string[] => {
  const shown = lowerAscii(shownOf(answer));
  return writtenForms(key).filter((form) => shown.includes(form));
};

const quote = (gateway: string, query: string): ToolRequest => ({
  ...{
    tool: QUOTES.id,
    method: QUOTES.method,
    url: `${gateway}${QUOTES.path}?symbol=ACME${query}`,
  },
});

/** Pays for a call whose upstream demands the operator's API key, then requests every leak of the key that the upstream offers. */
export const callWithSecret = async (scene: Scene, market: DemoMarket): Promise<void> => {
  const { narrator, stack, wallet } = scene;
  const direct = await answerOf(
    await fetch(`${stack.upstream}${QUOTES.upstream}?symbol=ACME`, { method: QUOTES.method }),
  );
  narrator.check(
    'the upstream answers 401 to a request without the key',
    direct.status === 401,
    `${direct.status}`,
  );
  const price = parseMoney(QUOTES.price) ?? 0n;
  const { answer } = await buy(scene, quote(stack.gateway, ''), price, byAgent);
  narrator.detail(new TextDecoder().decode(answer.bytes));
  narrator.check(
    'the gateway added the key, and the answer has the price of the stock',
    textOf(answer, 'price') === '42.17' && market.served().none === 1,
    `${answer.status} ${shownOf(answer)}`,
  );
  for (const leak of LEAKS) {
    const request = quote(stack.gateway, `&leak=${leak}`);
    const echoed = await answerOf(await wallet.agent.fetch(request.url, initOf(request)));
    const found = leaksOf(echoed, market.key);
    const tried = market.served()[leak] === 1;
    const mark = `[secret:${MARKET_SECRET}]`;
    narrator.check(
      `it asks for the key (${leak}); the upstream sends it, and the agent gets ${mark}`,
      found.length === 0 && tried && shownOf(echoed).includes(mark),
      found.length > 0 ? `the key as ${found.join(', ')}` : `${echoed.status} ${shownOf(echoed)}`,
    );
    narrator.detail(
      leak === 'header'
        ? `etag: ${echoed.headers.get('etag') ?? 'none'}`
        : JSON.stringify(jsonOf(echoed)),
    );
  }
};
