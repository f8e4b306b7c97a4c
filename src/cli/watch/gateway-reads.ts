import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';
import { dated, readPart, readSettlements, Unreachable } from './reads.ts';
import type { Part, Settlements } from './state.ts';

/** The figures of the whole gateway, which only operators see. */
export type GatewayReads = {
  readonly calls: readonly ItemOf<'calls.list'>[];
  readonly deadLetters: { readonly count: number; readonly oldest: number | undefined };
  readonly settlements: Part<Settlements>;
  /** Backends that are paused; undefined while they are not known. */
  readonly stopped: readonly string[] | undefined;
  /** Whether anything differs from the read before. */
  readonly isNew: boolean;
};

const CALLS = 50;

const NO_OPERATOR =
  'This key is no operator of the gateway. Give --as <key> with a key that OPERATORS names.';

/**
 * Returns a function that reads the newest calls and the counts of the queues, and only if one of them changed payments and backends too.
 * It returns why, if the key is no operator, and throws `Unreachable`.
 */
export const createGatewayReads = (
  management: Management,
): (() => Promise<GatewayReads | { readonly why: string }>) => {
  let seen = '';
  let settlements: Part<Settlements> = { kind: 'waiting' };
  let stopped: readonly string[] | undefined;
  return async () => {
    const calls = await readPart(NO_OPERATOR, async () => {
      const { items, asOf } = await dated(
        (onPage) => management.list('calls.list', { query: { limit: CALLS }, onPage }),
        CALLS,
      );
      return { value: items, asOf };
    });
    const queues = await readPart(NO_OPERATOR, async () => ({
      value: (await management.call('queues')).body,
      asOf: undefined,
    }));
    if (calls.kind === 'closed') return { why: calls.why };
    if (queues.kind === 'closed') return { why: queues.why };
    if (calls.kind === 'waiting' || queues.kind === 'waiting') throw new Unreachable('No answer.');
    const look = JSON.stringify([
      calls.value.map(({ call, state }) => [call, state]),
      queues.value,
    ]);
    const isNew = look !== seen || settlements.kind !== 'known';
    if (isNew) {
      [settlements, stopped] = await Promise.all([
        readPart(NO_OPERATOR, async () => readSettlements(management)),
        readStopped(management),
      ]);
      seen = look;
    } else if (settlements.kind === 'known') {
      settlements = { ...settlements, asOf: calls.asOf };
    }
    const { dead_letters: count, oldest_dead_letter_at: oldest } = queues.value;
    return { calls: calls.value, deadLetters: { count, oldest }, settlements, stopped, isNew };
  };
};

const readStopped = async (management: Management): Promise<readonly string[] | undefined> => {
  const part = await readPart(NO_OPERATOR, async () => {
    const { items } = await dated(() => management.list('backends'), CALLS);
    return { value: items, asOf: undefined };
  });
  return part.kind === 'known'
    ? part.value.filter(({ state }) => state === 'open').map(({ backend }) => backend)
    : undefined;
};
