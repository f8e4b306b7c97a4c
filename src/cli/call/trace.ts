import { lasting } from '../../core/lasting.ts';
import type { CallReport } from '../../client/call-report.ts';
import type { AgentHooks, Offered } from '../../client/hooks.ts';
import type { Signer, TypedData } from '../../client/signer.ts';
import type { Output } from '../lib/output.ts';
import { fields, printable } from '../lib/text.ts';
import { tokenAmount } from '../lib/units.ts';

/** Prints each step of a call on stderr (`-v`). Prints no signature: every reader of the terminal could present it. */
export type Trace = {
  readonly fetch: typeof globalThis.fetch;
  readonly signer: (signer: Signer) => Signer;
  readonly hooks: AgentHooks;
};

const PROOFS = new Set(['payment-signature', 'x-payment', 'agent-intent']);

/** Long encodings that the trace prints decoded. */
const ENCODED = new Set([
  'payment-required',
  'payment-response',
  'x-payment-response',
  'agent-receipt',
]);

const MAX_VALUE = 200;

export const createTrace = ({ trace, noteStyle: style }: Output): Trace => {
  const line = (mark: string, text: string): void => trace(`${style.dim(mark)} ${text}`);
  const header = (mark: string, [name, value]: readonly [string, string]): void => {
    if (PROOFS.has(name)) line(mark, `${name}: ${style.dim('(signed; not shown)')}`);
    else if (ENCODED.has(name)) line(mark, `${name}: ${style.dim(`(${value.length} characters)`)}`);
    else line(mark, `${name}: ${printable(value).slice(0, MAX_VALUE)}`);
  };
  return {
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input));
      line('>', style.bold(`${init?.method ?? 'GET'} ${url.href}`));
      for (const pair of new Headers(init?.headers)) header('>', pair);
      const from = performance.now();
      const response = await globalThis.fetch(input, init);
      const ms = style.dim(`${Math.round(performance.now() - from)} ms`);
      line('<', `${style.bold(`${response.status} ${printable(response.statusText)}`)} ${ms}`);
      for (const pair of response.headers) header('<', pair);
      return response;
    },
    signer: (signer) => ({
      address: signer.address,
      signTypedData: async (data, context) => {
        line('*', `${style.accent('signs')} ${data.primaryType} as ${signer.address}`);
        trace(typedDataText(data, style.dim));
        return await signer.signTypedData(data, context);
      },
    }),
    hooks: {
      onOffer: (offered) => {
        line('*', `${style.accent('offer')} ${offerText(offered)}`);
      },
      onRetry: ({ attempt, why, waitMs }) =>
        line(
          '*',
          `${style.warn('retry')} attempt ${attempt} in ${waitMs} ms: ${why.replaceAll('_', ' ')}`,
        ),
    },
  };
};

/** An offer in one line. */
export const offerText = ({ requirement, paysFrom, binding }: Offered): string => {
  const { amount, network, asset, payTo } = requirement;
  const bound =
    binding === 'intent' ? 'bound to this request' : 'plain x402, not bound to the request';
  return `${tokenAmount(amount, network, asset)} to ${payTo}, from ${paysFrom}; ${bound}`;
};

const typedDataText = ({ domain, message }: TypedData, dim: (text: string) => string): string =>
  fields(
    [
      [
        '  domain',
        [domain.name, domain.version, `chain ${domain.chainId}`, domain.verifyingContract]
          .filter((part) => part !== undefined)
          .join(', '),
      ],
      ...valuesIn(message).map(([name, value]) => [`  ${name}`, value] as const),
    ],
    dim,
  );

/** The values of typed data with their paths. */
const valuesIn = (
  message: TypedData['message'],
  path = '',
): readonly (readonly [string, string])[] =>
  Object.entries(message).flatMap(([name, value]) =>
    typeof value === 'object' && !isList(value)
      ? valuesIn(value, `${path}${name}.`)
      : [[`${path}${name}`, String(value)] as const],
  );

const isList = (value: object): value is readonly string[] => Array.isArray(value);

/** Prints the result of the call: its settlement, its receipt and the remaining limits. */
export const traceReport = ({ trace, noteStyle: style }: Output, report: CallReport): void => {
  const line = (text: string): void => trace(`${style.dim('*')} ${text}`);
  const { receipt, limits, transaction, call } = report;
  if (call !== undefined) line(`${style.accent('call')} ${call}`);
  if (transaction !== undefined) line(`${style.accent('settled')} in ${transaction}`);
  if (receipt?.verified === true) {
    const { charged, entry, policy, iss } = receipt.claims;
    line(`${style.good('receipt verified')} with the published key of ${printable(iss)}`);
    line(`  charged ${charged}, entry ${entry}, policy ${policy}`);
  } else if (receipt !== undefined)
    line(`${style.bad('receipt does not verify')}: ${printable(receipt.why)}`);
  for (const { rule, remaining, limit, resetsIn } of limits) {
    const of = limit === undefined ? '' : ` of ${limit}`;
    const when = resetsIn === undefined ? '' : `, resets in ${lasting(resetsIn)}`;
    line(`${style.accent('left')} ${printable(rule)}: ${remaining}${of}${when}`);
  }
};
