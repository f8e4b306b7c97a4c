import { createHash, randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { ZERO_HASH } from '../../src/core/hex.ts';
import { encodeAgentIntent } from '../../src/protocol/intent/agent-intent.ts';
import { intentTypedData } from '../../src/client/signer.ts';
import { USD_ADDRESS } from '../../src/protocol/fiat-asset.ts';
import type { Trick } from '../cards/demo-merchant.ts';
import { BUYER, type CardServices, CARD_TOOLS } from '../stack/cards.ts';
import { CHAIN_ID } from '../stack/chain-access.ts';
import { type Answer, answerOf, initOf, jsonOf, textOf, type ToolRequest } from './exchange.ts';
import type { Scene } from './scene.ts';

type Order = { readonly item: string; readonly trick?: Trick };

const [BOOKSHOP] = CARD_TOOLS;

const agent = privateKeyToAccount(BUYER.privateKey);

/** Signs the intent that the bookshop's 401 describes, and orders. */
const order = async ({ stack, payTo }: Scene, what: Order): Promise<Answer> => {
  const url = stack.gateway + BOOKSHOP.path;
  const request: ToolRequest = {
    ...{ tool: BOOKSHOP.id, method: 'POST', url, body: JSON.stringify(what) },
  };
  const now = Math.floor(Date.now() / 1000);
  const intent = {
    ...{ agent: lower(agent.address), audience: stack.audience, tool: BOOKSHOP.id },
    ...{ method: 'POST', target: BOOKSHOP.path, contentType: 'application/json' },
    payloadDigest: `0x${createHash('sha256')
      .update(request.body ?? '')
      .digest('hex')}` as const,
    ...{ payTo: lower(payTo), asset: USD_ADDRESS, maxAmount: 20_000_000n },
    ...{ validAfter: BigInt(now - 5), validBefore: BigInt(now + 60), authority: ZERO_HASH },
    nonce: `0x${randomBytes(32).toString('hex')}` as const,
  };
  const signature = await agent.signTypedData(intentTypedData(intent, CHAIN_ID) as never);
  const init = initOf(request);
  const proof = encodeAgentIntent({ chainId: CHAIN_ID, intent, signature });
  return await answerOf(
    await fetch(url, { ...init, headers: { ...init.headers, 'Agent-Intent': proof } }),
  );
};

const lower = (address: string) => address.toLowerCase() as `0x${string}`;

/** Waits at most 10 s until the gateway sells the tools that `setUpCards` has put. */
const whenSold = async ({ stack }: Scene): Promise<void> => {
  const deadline = Date.now() + 10_000;
  while ((await fetch(stack.gateway + BOOKSHOP.path, { method: 'POST' })).status !== 401) {
    if (Date.now() > deadline) throw new Error('the gateway does not sell the bookshop');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};

/** Buys with a card that the agent never sees, tries to read it through the merchant, and orders above the budget. */
export const buyByCard = async (scene: Scene, cards: CardServices): Promise<void> => {
  const { narrator } = scene;
  await whenSold(scene);
  const bought = await order(scene, { item: 'book' });
  const [card] = cards.issuer.cards();
  narrator.check(
    'the shop answers with a paid order of $18.50',
    bought.status === 200 &&
      jsonOf(bought)['status'] === 'paid' &&
      jsonOf(bought)['amount'] === 1_850,
    `${bought.status} ${text(bought)}`,
  );
  narrator.check(
    'the issuer made one card for it, capped to $20.00 and one payment, which is used up',
    cards.issuer.cards().length === 1 && card?.limit === 2_000 && card.status === 'canceled',
    `${cards.issuer.cards().length} cards, ${card?.limit ?? 0} cents, ${card?.status ?? ''}`,
  );
  for (const trick of ['id', 'headers', 'chunks'] as const) {
    const answer = await order(scene, { item: 'pen', trick });
    const shown = `${JSON.stringify([...answer.headers])} ${text(answer)}`;
    const leaked = cards.issuer.cards().filter(({ number }) => holds(shown, number));
    narrator.check(
      `it buys a pen, the shop puts the card into its answer (${trick}), and the agent cannot read it`,
      leaked.length === 0 && answer.status === 200,
      `${answer.status} ${shown}`,
    );
    narrator.detail(text(answer));
  }
  const dear = await order(scene, { item: 'lamp' });
  narrator.check(
    'a lamp of $42.00 is above the $20.00 held: the issuer declines the card, and nothing is charged',
    dear.status === 422 && jsonOf(dear)['status'] === 'declined',
    `${dear.status} ${text(dear)}`,
  );
  const again = await order(scene, { item: 'book' });
  const refused = await order(scene, { item: 'book' });
  narrator.check(
    'after a second book, a third is above the budget of the day: the gateway rejects it with 429',
    again.status === 200 && refused.status === 429 && textOf(refused, 'rule') === 'window',
    `${again.status}, ${refused.status} '${textOf(refused, 'rule')}'`,
  );
  narrator.detail(textOf(refused, 'detail'));
  const charged = cards.merchant.charges();
  narrator.check(
    'the shop has charged two books and three pens',
    charged.join(' ') === '1850 350 350 350 1850',
    charged.join(', '),
  );
};

const text = ({ bytes }: Answer): string => new TextDecoder().decode(bytes);

const holds = (shown: string, number: string): boolean => shown.replace(/\D/g, '').includes(number);
