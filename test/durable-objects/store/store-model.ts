import { expect } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Disk } from '../../../durable-objects/store/disk.ts';
import { openEngine } from '../../../durable-objects/store/engine.ts';
import type { Limits } from '../../../durable-objects/store/journal.ts';
import {
  anyNoun,
  type Noun,
  put,
  remove,
  type Write,
} from '../../../durable-objects/store/noun.ts';
import { type FailingMedium, openFailingMedium, PowerCut } from './power-cuts.ts';

/** Small limits, so that a few writes fill a row, a page and a journal. */
export const SMALL: Limits = { row: 400, page: 600, snapshotAfter: 900 };

/** A value that is written and deleted. */
type Thing = { readonly id: string; readonly size: number; readonly pad: string };
/** A value that ends, as a call does. `until` is undefined while it is open. */
export type Job = {
  readonly id: string;
  readonly version: number;
  readonly until: number | undefined;
  readonly alias: string | undefined;
  readonly entries: readonly Entry[];
  readonly pad: string;
};
type Alias = { readonly alias: string; readonly job: string };
type Note = Entry;

const json = <T>() => ({
  encode: JSON.stringify as (value: T) => string,
  decode: (text: string) => JSON.parse(text) as T,
});

export const THING: Noun<Thing, 'size'> = {
  name: 'thing',
  key: ({ id }) => id,
  ...json<Thing>(),
  fields: { size: ({ size }) => size },
};
const ALIAS: Noun<Alias> = { name: 'alias', key: ({ alias }) => alias, ...json<Alias>() };
export const JOB: Noun<Job> = {
  name: 'job',
  key: ({ id }) => id,
  encode: ({ entries, ...rest }) => [
    JSON.stringify(rest),
    ...entries.map((entry) => JSON.stringify(entry)),
  ],
  decode: (text, parts) => ({
    ...{ until: undefined, alias: undefined },
    ...(JSON.parse(text) as Partial<Job> as Job),
    entries: parts.map((part) => JSON.parse(part) as Entry),
  }),
  entries: ({ entries }) => entries,
  forgetAt: ({ until }) => until,
  companions: ({ alias, id }) => (alias === undefined ? [] : [put(ALIAS, { alias, job: id })]),
};
export const NOTE: Noun<Note> = {
  name: 'note',
  key: ({ seq }) => seq,
  ...json<Note>(),
  entries: (note) => [note],
  forgetAt: () => 0,
};

export type Op =
  | { readonly do: 'thing'; readonly id: number; readonly size: number; readonly pad: number }
  | { readonly do: 'remove'; readonly id: number }
  | {
      readonly do: 'job';
      readonly id: number;
      readonly ends: number | undefined;
      readonly pad: number;
      readonly burns: boolean;
    }
  | { readonly do: 'note' };

export type Step =
  | { readonly do: 'write'; readonly ops: readonly Op[]; readonly syncs: boolean }
  | {
      readonly do: 'cut';
      readonly ops: readonly Op[];
      readonly step: number;
      readonly keeps: boolean;
    }
  | { readonly do: 'restart'; readonly keeps: boolean }
  | { readonly do: 'forget' }
  | { readonly do: 'compact'; readonly step: number | undefined; readonly keeps: boolean }
  | { readonly do: 'clock'; readonly by: number }
  | { readonly do: 'export'; readonly entries: number };

/** The value that the engine must return. `mayBeGone`: the value had ended at a time when the engine may have forgotten it. */
type Known<Value> = { readonly value: Value; readonly mayBeGone: boolean };
type Expected = {
  readonly things: ReadonlyMap<string, Thing>;
  readonly jobs: ReadonlyMap<string, Known<Job>>;
  readonly notes: ReadonlyMap<number, Known<Note>>;
  readonly seq: number;
};

const EMPTY: Expected = { things: new Map(), jobs: new Map(), notes: new Map(), seq: 0 };

/** Runs steps on the engine and on a plain model of it, and compares the two after each step. */
export const openModel = (limits: Limits = SMALL) => {
  const medium: FailingMedium = openFailingMedium();
  let disk: Disk = openEngine(medium, limits);
  let expected = EMPTY;
  let synced = EMPTY;
  let now = 1_000;
  /** The sequence number of the last exported entry. */
  let exported = 0;
  let version = 0;
  const seen = { pages: 0, snapshots: 0, cuts: 0, rewritten: 0, forgotten: 0, compacted: 0 };

  /** Marks the ended values that are expired now. */
  const age = ({ jobs, notes, ...rest }: Expected): Expected => ({
    ...rest,
    jobs: new Map(
      [...jobs].map(([id, { value, mayBeGone }]) => {
        const last = value.entries.at(-1)?.seq ?? 0;
        const isOver = value.until !== undefined && value.until <= now && last <= exported;
        return [id, { value, mayBeGone: mayBeGone || isOver }];
      }),
    ),
    notes: new Map(
      [...notes].map(([seq, { value, mayBeGone }]) => [
        seq,
        { value, mayBeGone: mayBeGone || seq <= exported },
      ]),
    ),
  });

  /** Plans a group's writes, and the state that the model expects after it. */
  const planned = (ops: readonly Op[]): readonly [readonly Write[], Expected] => {
    const things = new Map(expected.things);
    const jobs = new Map(expected.jobs);
    const notes = new Map(expected.notes);
    let { seq } = expected;
    const entry = (): Entry => ({ seq: (seq += 1), at: now }) as unknown as Entry;
    const writes = ops.flatMap((op): Write[] => {
      switch (op.do) {
        case 'thing': {
          const thing = { id: `t${op.id}`, size: op.size, pad: 'x'.repeat(op.pad) };
          things.set(thing.id, thing);
          return [put(THING, thing)];
        }
        case 'remove':
          things.delete(`t${op.id}`);
          return [remove(THING, `t${op.id}`)];
        case 'job': {
          const id = `j${op.id}`;
          const known = jobs.get(id);
          const before = known?.value;
          const last = before?.entries.at(-1)?.seq ?? 0;
          // As with calls, entries are deleted only after their export.
          const burns = op.burns && last <= exported;
          const job: Job = {
            id,
            version: (version += 1),
            until: op.ends === undefined ? undefined : now + op.ends,
            alias: op.id % 2 === 0 ? `a${op.id}` : undefined,
            entries: burns ? [] : [...(before?.entries ?? []), entry()],
            pad: 'y'.repeat(op.pad),
          };
          if (before?.until !== undefined) seen.rewritten += 1;
          jobs.set(id, { value: job, mayBeGone: false });
          const isNew = known?.mayBeGone !== false && job.alias !== undefined;
          return [put(JOB, job), ...(isNew ? [put(ALIAS, { alias: `a${op.id}`, job: id })] : [])];
        }
        case 'note': {
          const note = entry();
          notes.set(note.seq, { value: note, mayBeGone: false });
          return [put(NOTE, note)];
        }
      }
    });
    return [writes, { things, jobs, notes, seq }];
  };

  const compare = (shown: Disk): void => {
    const bySize = { where: [['size', '>=', 3]], highest: ['size'], limit: 4 } as const;
    const things = [...expected.things.values()];
    const order = (one: Thing, other: Thing): number => (one.id < other.id ? -1 : 1);
    expect([...shown.find(THING)]).toEqual(things.toSorted(order));
    expect([...shown.find(THING, bySize)]).toEqual(
      things
        .filter(({ size }) => size >= 3)
        .toSorted((one, other) => other.size - one.size || order(one, other))
        .slice(0, 4),
    );
    const found = new Map([...shown.find(JOB)].map((job) => [job.id, job]));
    for (const [id, { value, mayBeGone }] of expected.jobs) {
      const job = shown.get(JOB, id);
      // The value is either gone for good or present in its newest version, never in an older one.
      if (job !== undefined || !mayBeGone) expect(job).toEqual(value);
      expect(found.get(id)).toEqual(job);
      const alias = value.alias === undefined ? undefined : shown.get(ALIAS, value.alias);
      if (value.alias !== undefined && !mayBeGone) expect(alias?.job).toBe(id);
    }
    for (const id of found.keys()) expect(expected.jobs.has(id)).toBe(true);
    const open = [...expected.jobs.values()].filter(({ value }) => value.until === undefined);
    const brief = new Set(shown.brief(JOB).map(({ id }) => id));
    for (const { value } of open) expect(brief.has(value.id)).toBe(true);
    const entries = [
      ...[...expected.jobs.values()].flatMap(({ value }) => value.entries),
      ...[...expected.notes.values()].map(({ value }) => value),
    ]
      .filter(({ seq }) => seq > exported)
      .toSorted((one, other) => one.seq - other.seq);
    const nouns = [anyNoun(JOB), anyNoun(NOTE)];
    for (const limit of [1, 3, 1_000]) {
      expect(shown.entriesAfter(nouns, exported, limit)).toEqual(entries.slice(0, limit));
    }
  };

  const reopen = (): void => {
    disk = openEngine(medium, limits);
    // Values stay in memory until their descriptor is used. Objects use theirs when they start.
    disk.brief(JOB);
    disk.brief(NOTE);
  };

  const write = (ops: readonly Op[]): void => {
    const [writes, next] = planned(ops);
    disk.write(writes, { now, exported });
    const first = medium.rows().journal.get(0);
    if (first?.kind === 'snapshot') seen.snapshots += 1;
    seen.pages = Math.max(seen.pages, medium.rows().pages.size);
    expected = age(next);
  };

  return {
    seen,
    take(step: Step): void {
      switch (step.do) {
        case 'write':
          expected = age(expected);
          write(step.ops);
          if (step.syncs) {
            medium.sync();
            synced = expected;
          }
          break;
        case 'cut':
          expected = age(expected);
          medium.cutAt(step.step);
          try {
            write(step.ops);
            medium.cutAt(-1);
          } catch (cause) {
            if (!(cause instanceof PowerCut)) throw cause;
            seen.cuts += 1;
          }
          medium.restart(step.keeps);
          if (!step.keeps) expected = age(synced);
          synced = expected;
          reopen();
          break;
        case 'restart':
          medium.restart(step.keeps);
          if (!step.keeps) expected = age(synced);
          synced = expected;
          reopen();
          break;
        case 'forget': {
          expected = age(expected);
          const before = medium.rows().pages.size;
          disk.forget({ now, exported });
          seen.forgotten += before - medium.rows().pages.size;
          break;
        }
        case 'compact': {
          expected = age(expected);
          medium.cutAt(step.step ?? -1);
          try {
            disk.compact({ now, exported });
            medium.cutAt(-1);
            // Nothing of an earlier journal is left.
            expect(medium.rows().journal.size).toBe(medium.journal().length);
            seen.compacted += 1;
          } catch (cause) {
            if (!(cause instanceof PowerCut)) throw cause;
            medium.restart(step.keeps);
            if (!step.keeps) expected = age(synced);
            synced = expected;
            reopen();
          }
          break;
        }
        case 'clock':
          now += step.by;
          break;
        case 'export':
          exported = Math.min(exported + step.entries, synced.seq);
          break;
      }
      compare(disk);
      compare(openEngine(medium, limits));
    },
  };
};
