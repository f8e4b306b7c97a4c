import { creditsTool } from '../../../../src/catalog/gateway-tools.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import type { Call } from '../../../../src/protocol/account/call.ts';
import { ENTRY, POLICY } from '../scripted.ts';
import {
  addressOf,
  intentFor,
  paying,
  paymentHeader,
  paymentOf,
  vectorConfig,
} from '../signing.ts';

export const SECOND = 'eip155:8453' as const;
export const config = {
  ...vectorConfig(),
  networks: ['eip155:84532', SECOND] as const,
  payTo: new Map([...vectorConfig().payTo, [SECOND, `0x${'22'.repeat(20)}` as const]]),
  payees: new Map([...vectorConfig().payees, [SECOND, [`0x${'22'.repeat(20)}` as const]]]),
};
export const OWN = `eip155:84532:${addressOf('agent')}` as const;
export const OTHER = `eip155:84532:${addressOf('owner')}` as const;

export const requestOf = (query: string, headers: Record<string, string> = {}, body?: string) =>
  new Request(`https://gw.example/credits${query}`, {
    method: 'POST',
    headers,
    ...(body === undefined ? {} : { body }),
  });
export const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

/** An account whose upfront payment has settled. */
export const settledAccount = {
  reserve: async ({ price }: Call) =>
    ({
      verdict: 'go',
      entry: ENTRY,
      policy: POLICY,
      charged: price,
      paidFrom: 'payment',
      limits: [],
    }) as const,
  finish: async () =>
    ({
      verdict: 'finished',
      state: 'committed',
      charged: 50_000n,
      paidFrom: 'payment',
      payment: 'settled',
      transaction: `0x${'77'.repeat(32)}`,
      entry: ENTRY,
      policy: POLICY,
      limits: [],
    }) as const,
};

/** A payment of the top-up's amount, bound to the request. */
export const bound = async (query: string) => {
  const amount = BigInt(new URLSearchParams(query).get('amount') ?? '0');
  const seen = await observeOwn(requestOf(query), config, creditsTool(amount));
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, paying(amount));
  return paymentHeader(await paymentOf({ intent, value: amount, maxTimeoutSeconds: 300 }));
};
export const vanilla = (value: bigint) => paymentOf({ value, maxTimeoutSeconds: 300 });
