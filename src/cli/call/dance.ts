import type { AgentHooks, Offered } from '../../client/hooks.ts';
import type { Signer } from '../../client/signer.ts';
import type { TypedData } from '../../client/typed-data.ts';
import type { Output } from '../lib/output.ts';
import { fields } from '../lib/table.ts';
import { printable } from '../lib/text.ts';
import { moneyOf } from './money.ts';

/** What `-v` shows: each step as it happens, on stderr. No signature is ever shown: whoever has one could use it. */
export type Dance = {
  readonly fetch: typeof globalThis.fetch;
  readonly signer: (signer: Signer) => Signer;
  readonly hooks: AgentHooks;
};

const PROOFS = new Set(['payment-signature', 'x-payment', 'agent-intent']);
/** Long, and told in other words. */
const CODED = new Set([
  'payment-required',
  'payment-response',
  'x-payment-response',
  'agent-receipt',
]);
const MAX_VALUE = 200;

export const createDance = ({ trace, noteStyle: style }: Output): Dance => {
  const line = (mark: string, text: string): void => trace(`${style.dim(mark)} ${text}`);
  const header = (mark: string, [name, value]: readonly [string, string]): void => {
    if (PROOFS.has(name)) line(mark, `${name}: ${style.dim('(signed; not shown)')}`);
    else if (CODED.has(name)) line(mark, `${name}: ${style.dim(`(${value.length} characters)`)}`);
    else line(mark, `${name}: ${printable(value).slice(0, MAX_VALUE)}`);
  };
  return {
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      line('>', style.bold(`${init?.method ?? 'GET'} ${url.href}`));
      for (const pair of new Headers(init?.headers)) header('>', pair);
      const from = performance.now();
      const response = await globalThis.fetch(input, init);
      const took = Math.round(performance.now() - from);
      line(
        '<',
        `${style.bold(`${response.status} ${printable(response.statusText)}`)} ${style.dim(`${took} ms`)}`,
      );
      for (const pair of response.headers) header('<', pair);
      return response;
    },
    signer: (signer) => ({
      address: signer.address,
      signTypedData: async (data) => {
        line('*', `${style.accent('signs')} ${data.primaryType} as ${signer.address}`);
        trace(shownData(data, style.dim));
        return await signer.signTypedData(data);
      },
    }),
    hooks: {
      onOffer: (offered) => {
        line('*', `${style.accent('offer')} ${offerText(offered)}`);
      },
      onRetry: ({ attempt, why, waitMs }) =>
        line(
          '*',
          `${style.warn('again')} attempt ${attempt} in ${waitMs} ms: ${why.replaceAll('_', ' ')}`,
        ),
    },
  };
};

/** An offer in one sentence. */
export const offerText = ({ requirement, paysFrom, binding }: Offered): string => {
  const { amount, network, asset, payTo } = requirement;
  const bound =
    binding === 'intent' ? 'good for this request only' : 'plain x402, not bound to the request';
  return `${moneyOf(amount, network, asset)} to ${payTo}, from ${paysFrom}; ${bound}`;
};

const shownData = ({ domain, message }: TypedData, dim: (text: string) => string): string =>
  fields(
    [
      [
        '  domain',
        [domain.name, domain.version, `chain ${domain.chainId}`, domain.verifyingContract]
          .filter((part) => part !== undefined)
          .join(', '),
      ],
      ...Object.entries(message).map(([name, value]) => [`  ${name}`, String(value)] as const),
    ],
    dim,
  );
