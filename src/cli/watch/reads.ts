import * as z from 'zod/mini';
import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { accountId, type AccountId, chainIdOf, type Network } from '../../protocol/account-id.ts';
import { parseAddress } from '../../crypto/address.ts';
import { cliErrorOf, isRefusal } from '../lib/errors.ts';
import { httpGet } from '../lib/http-get.ts';
import type { Health, Line, Part, SettlementRow, Settlements } from './state.ts';

/** One request of the dashboard. The gateway did not answer: not the fault of one part. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const NETWORK_CODES = new Set(['unreachable', 'answer_lost', 'look_failed']);

/**
 * Reads one part. A refusal closes the part with the gateway's words and the key that would see it.
 *
 * @throws Unreachable if the gateway gave no answer
 */
export const readPart = async <T>(
  hint: string,
  read: () => Promise<{ readonly value: T; readonly asOf: number | undefined }>,
): Promise<Part<T>> => {
  try {
    return { kind: 'known', ...(await read()) };
  } catch (thrown) {
    const error = cliErrorOf(thrown);
    if (NETWORK_CODES.has(error.code) || error.code.startsWith('http_5'))
      throw new Unreachable(error.message, { cause: thrown });
    const isRight = isRefusal(error, 'forbidden') || isRefusal(error, 'unknown_account');
    return { kind: 'closed', why: isRight ? hint : `${error.message} ${error.hint}` };
  }
};

const healthSchema = z.looseObject({ status: z.enum(['ok', 'paused']) });

type Answered = Extract<Health, { readonly kind: 'ok' }>;

/** Asks `/healthz`. @throws Unreachable */
export const readHealth = async (
  gateway: string,
  signal: AbortSignal,
  now: () => number,
): Promise<Omit<Answered, 'stopped'>> => {
  const answer = await httpGet(`${gateway}/healthz`, signal);
  if (!answer.ok) throw new Unreachable(answer.error);
  const { status, json, from, until } = answer.value;
  const read = healthSchema.safeParse(json);
  if (!read.success)
    throw new Unreachable(`It answers ${status}: \`countersign doctor\` checks it.`);
  return { kind: 'ok', isPaused: read.data.status === 'paused', ms: until - from, at: now() };
};

const payees = z.looseObject({
  payees: z.array(z.looseObject({ network: z.string(), pay_to: z.string() })),
});

/** The gateway's own account, which raises its alerts; undefined if the gateway does not describe itself. */
export const gatewayAccountOf = async (
  gateway: string,
  signal: AbortSignal,
): Promise<AccountId | undefined> => {
  const answer = await httpGet(`${gateway}/`, signal);
  const read = payees.safeParse(answer.ok ? answer.value.json : undefined);
  const [first] = read.success ? read.data.payees : [];
  const address = parseAddress(first?.pay_to ?? '');
  return first === undefined || address === undefined || chainIdOf(first.network) === undefined
    ? undefined
    : accountId(first.network as Network, address);
};

/** Up to `most` items of a list, and its age. */
export const dated = async <T>(
  open: (onPage: (page: { readonly asOf?: number }) => void) => AsyncGenerator<T>,
  most: number,
): Promise<{ readonly items: readonly T[]; readonly asOf: number | undefined }> => {
  const items: T[] = [];
  let first: { readonly asOf?: number } | undefined;
  const pages = open((page) => {
    first ??= page;
  });
  for await (const each of pages) {
    items.push(each);
    if (items.length >= most) break;
  }
  return { items, asOf: first?.asOf };
};

/** Newest calls, as the lists of the gateway show them: without denials, which only the log of an account has. */
export const lineOfCall = (
  call: ItemOf<'calls.list'>,
  nameOf: (account: string) => string,
): Line => ({
  ...{ at: call.accepted_at ?? 0, account: call.account, agent: nameOf(call.account), seq: 0 },
  ...{ type: 'call.accepted', call: call.call },
  ...(call.tool === undefined ? {} : { tool: call.tool }),
  ...(call.price === undefined ? {} : { price: call.price }),
  verdict: call.state === 'released' || call.state === 'abandoned' ? 'failed' : 'allowed',
  says:
    call.state === 'held'
      ? 'running'
      : call.state === 'committed'
        ? ''
        : (call.reason ?? call.state),
});

const NEWEST = 100;
const STATES = ['open', 'kept', 'settled', 'failed', 'released'] as const;

/**
 * Payments by state, of the gateway. Three requests: the newest payments of any state, those that a silent tool keeps, and the counts.
 */
export const readSettlements = async (
  management: Management,
): Promise<{ readonly value: Settlements; readonly asOf: number | undefined }> => {
  const list = async (query: { readonly state?: 'kept' }) =>
    dated(
      (onPage) =>
        management.list('settlements.list', { query: { ...query, limit: NEWEST }, onPage }),
      NEWEST,
    );
  const [newest, kept, { body: queues }] = await Promise.all([
    list({}),
    list({ state: 'kept' }),
    management.call('queues'),
  ]);
  const rows = STATES.map((state): SettlementRow => {
    const items =
      state === 'kept' ? kept.items : newest.items.filter((each) => each.state === state);
    const times = items.map(({ at }) => at);
    // Amounts that a card may have paid are in no token.
    const inTokens = items.filter(({ asset = '' }) => !isFiat(asset));
    // Two networks have two tokens, and no amount is in both.
    const amount =
      new Set(inTokens.map(({ asset }) => asset)).size > 1
        ? undefined
        : inTokens.reduce((sum, each) => sum + BigInt(each.amount), 0n);
    const isFull = (state === 'kept' ? kept : newest).items.length >= NEWEST;
    if (state === 'open') {
      const isPart = items.length < queues.open_settlements;
      return {
        ...{ state, count: queues.open_settlements, isLeast: queues.open_settlements >= 10_000 },
        ...{ amount: isPart ? undefined : amount, at: queues.oldest_open_at },
      };
    }
    const at = times.length === 0 ? undefined : Math[state === 'kept' ? 'min' : 'max'](...times);
    return { state, count: items.length, isLeast: isFull && items.length > 0, amount, at };
  });
  return { value: { rows }, asOf: newest.asOf };
};

/** What an owner sees of payments: the unsettled money of its accounts. */
export const ownerSettlements = (
  standings: readonly { readonly unsettled: bigint; readonly debt: bigint }[],
): Settlements => {
  const row = (state: 'unsettled' | 'debt'): SettlementRow => {
    const amounts = standings.map((each) => each[state]).filter((amount) => amount > 0n);
    const amount = amounts.reduce((sum, each) => sum + each, 0n);
    return { state, count: amounts.length, isLeast: false, amount, at: undefined };
  };
  return {
    rows: [row('unsettled'), row('debt')],
    note: 'Counts accounts. Operators see each payment: --operator --as <operator key>.',
  };
};
