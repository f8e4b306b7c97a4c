import type { Payment } from '../../../../src/protocol/payment.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import { backendsAt, FACILITATOR, NOW, paymentNumber, RPC } from '../scripted.ts';
import { answerHosts, scriptChain, type ScriptedChain } from '../scripted-chain.ts';
export let chain: ScriptedChain;
export let presented: string[];
export let conduct: Record<string, () => Response>;

export const payment = paymentNumber(1);

export const presentable = {
  account: 'eip155:84532:0x0000000000000000000000000000000000000001',
  call: payment.authorization.nonce,
  payment,
  sinceBlock: 100,
} as const;

/** Gives the next test a chain and two working backends. */
export const freshBackends = (): void => {
  chain = scriptChain();
  presented = [];
  conduct = {};
  const at =
    (host: string) =>
    (_: unknown, path: string): Response => {
      // A facilitator without a readable list counts as supporting the network.
      if (path === '/supported') return new Response('', { status: 404 });
      presented.push(host);
      const act = conduct[host];
      if (act === undefined) return answerWith({ success: true, transaction: chain.pay(payment) });
      return act();
    };
  answerHosts({
    'node.test': (body) => chain.respond(body),
    'facilitator.test': at('facilitator.test'),
    'second.test': at('second.test'),
  });
};

export const answerWith = (changes: object): Response =>
  Response.json({ success: false, transaction: '', ...changes });

/** Reads the chain without pauses. */
export const QUICK = { tickMs: 1, lookMs: 0, laterMs: 0 };

const settleWithin =
  (waitMs: number) =>
  async (one: Payment = payment, confirmations = 1, now = NOW) =>
    await settleNow(
      {
        chain: { urls: [RPC], confirmations },
        backends: backendsAt([FACILITATOR, 'https://second.test']),
        watches: new Map(),
        waitMs,
        pace: QUICK,
      },
      { ...presentable, payment: one },
      now,
    );

export const settle = settleWithin(30_000);

/** Settles a payment whose outcome stays unknown until the wait ends. */
export const settleUntilTheWaitEnds = settleWithin(200);
