import { askWitness, type WitnessAnswer } from '../../src/audit/log/ask-witness.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { AlertBody } from '../../src/protocol/alert.ts';
import type { Witness } from '../../src/config/witness-setting.ts';
import { NEW_WITNESS, type WitnessState, type WitnessTable } from './witness-table.ts';

/** Every request has ended after this time, even one of an object that was evicted meanwhile. */
const PATIENCE: Seconds = 15;
/** The longest pause after failures: 30 s, 60 s, … */
const LONGEST_PAUSE: Seconds = 900;
/** After this long without a cosignature, the log raises one alert about the witness. */
const AWAY: Seconds = 3_600;
/** Requests of one attempt: the second one has the size from a 409 answer. */
const MAX_REQUESTS = 2;

/** The newest signed tree, and proofs that it extends earlier ones. */
export type SignedTree = {
  readonly size: number;
  /** The note as the log signed it, without cosignatures. */
  readonly checkpoint: string;
  readonly proveGrowth: (old: number, size: number) => readonly Uint8Array[] | undefined;
};

export type WitnessDeps = {
  readonly witnesses: readonly Witness[];
  readonly table: WitnessTable;
  readonly tree: () => SignedTree | undefined;
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  readonly now: () => Seconds;
  /** Called after each answer: sets the alarm for what is due next. */
  readonly onAnswered: () => Promise<void>;
};

export type Witnesses = {
  /** When a witness must be asked; undefined if all have cosigned the newest tree. */
  readonly dueAt: () => Seconds | undefined;
  /** Asks all that are due. Does not wait: a slow witness must delay neither the log nor another witness. */
  readonly ask: () => void;
  /** The signature lines for the tree of this size. */
  readonly linesFor: (size: number) => string;
};

/** Sends each signed checkpoint to witnesses, and keeps their cosignatures. */
export const openWitnesses = (deps: WitnessDeps): Witnesses => {
  const { witnesses, table, tree, now } = deps;
  /** The deadline of each running request. Lost with the object, whose alarm then asks again. */
  const asked = new Map<string, Seconds>();
  const stateOf = ({ key }: Witness): WitnessState => table.all().get(key.name) ?? NEW_WITNESS;

  const waiting = (): readonly Witness[] => {
    const size = tree()?.size ?? 0;
    return witnesses.filter((witness) => stateOf(witness).cosigned < size);
  };

  const ask = async (witness: Witness): Promise<void> => {
    const answer = await cosign(witness, stateOf(witness).cosigned, tree);
    const before = stateOf(witness);
    const after = await next(witness, before, answer);
    table.put(witness.key.name, after);
  };

  const next = async (
    witness: Witness,
    before: WitnessState,
    { answer, size }: { readonly answer: WitnessAnswer; readonly size: number },
  ): Promise<WitnessState> => {
    if (answer.kind === 'cosigned') return { ...NEW_WITNESS, cosigned: size, line: answer.lines };
    const { name } = witness.key;
    const detail = 'detail' in answer ? answer.detail : 'it named another size twice';
    console.error({ event: 'witness_failed', witness: name, kind: answer.kind, detail });
    const at = now();
    const awaySince = before.awaySince === 0 ? at : before.awaySince;
    // Witnesses exist to find a second tree, so this alert does not wait an hour.
    const isDue = answer.kind === 'conflict' || at >= awaySince + AWAY;
    const isReported =
      before.isReported ||
      (isDue &&
        (await deps.raise({
          rule: 'witness',
          detail: {
            kind: answer.kind === 'conflict' ? 'conflict' : 'away',
            ...{ witness: name, since: awaySince, reason: detail },
          },
        })));
    const failures = before.failures + 1;
    const pause = Math.min(LONGEST_PAUSE, 30 * 2 ** Math.min(before.failures, 5));
    return { ...before, failures, dueAt: at + pause, awaySince, isReported };
  };

  return {
    dueAt() {
      const due = waiting().map((witness) => asked.get(witness.key.name) ?? stateOf(witness).dueAt);
      return due.length === 0 ? undefined : Math.min(...due);
    },
    ask() {
      const at = now();
      for (const witness of waiting()) {
        const { name } = witness.key;
        if (stateOf(witness).dueAt > at || (asked.get(name) ?? 0) > at) continue;
        asked.set(name, at + PATIENCE);
        void ask(witness)
          .catch((cause: unknown) =>
            console.error({ event: 'witness_unasked', witness: name, cause: String(cause) }),
          )
          .then(async () => {
            asked.delete(name);
            await deps.onAnswered();
          })
          .catch((cause: unknown) =>
            console.error({ event: 'witness_alarm_unset', witness: name, cause: String(cause) }),
          );
      }
    },
    linesFor: (size) =>
      witnesses
        .map(stateOf)
        .filter(({ cosigned }) => cosigned === size)
        .map(({ line }) => line)
        .join(''),
  };
};

/** Asks one witness to cosign the newest tree, with the growth from the size that it knows. */
const cosign = async (
  { url, key }: Witness,
  cosigned: number,
  tree: WitnessDeps['tree'],
): Promise<{ readonly answer: WitnessAnswer; readonly size: number }> => {
  const newest = tree();
  if (newest === undefined) return failed('there is no checkpoint');
  const { size, checkpoint, proveGrowth } = newest;
  let old = cosigned;
  for (let requests = 1; ; requests += 1) {
    const proof = proveGrowth(old, size);
    if (proof === undefined) return failed(`the log has no tree of ${old} leaves`);
    const question = { url, key, old, proof, checkpoint, size };
    const answer = await askWitness(question, async (...request) => fetch(...request));
    if (answer.kind !== 'knows' || requests === MAX_REQUESTS) return { answer, size };
    old = answer.size;
  }
};

const failed = (detail: string) => ({ answer: { kind: 'failed', detail }, size: 0 }) as const;
