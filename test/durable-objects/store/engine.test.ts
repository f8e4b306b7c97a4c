import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openEngine } from '../../../durable-objects/store/engine.ts';
import { LIMITS } from '../../../durable-objects/store/journal.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { anyNoun, put, type Write } from '../../../durable-objects/store/noun.ts';
import { openFailingMedium, PowerCut } from './power-cuts.ts';
import { type Job, JOB, NOTE, type Op, openModel, SMALL, type Step, THING } from './store-model.ts';

const JOBS = 6;
const pad = fc.integer({ min: 0, max: 300 });
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    do: fc.constant('thing' as const),
    id: fc.nat(5),
    size: fc.nat(6),
    pad,
  }),
  fc.record({ do: fc.constant('remove' as const), id: fc.nat(5) }),
  fc.record({
    do: fc.constant('job' as const),
    id: fc.nat(JOBS),
    ends: fc.option(fc.integer({ min: -50, max: 5_000 }), { nil: undefined }),
    pad,
    burns: fc.boolean(),
  }),
  fc.record({ do: fc.constant('note' as const) }),
);
const ops = fc.array(op, { minLength: 1, maxLength: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('write' as const), ops, syncs: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      ops,
      step: fc.nat(12),
      keeps: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), keeps: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('compact' as const),
      step: fc.option(fc.nat(8), { nil: undefined }),
      keeps: fc.boolean(),
    }),
  },
  {
    weight: 2,
    // The clock may also step back.
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      by: fc.integer({ min: -500, max: 2_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('export' as const), entries: fc.nat(20) }) },
);

const entryOf = (seq: number, at: number): Entry => ({ seq, at }) as unknown as Entry;

const jobOf = (id: number, changes: Partial<Job>): Job => ({
  ...{ id: `j${id}`, version: 1, until: undefined, alias: undefined, entries: [] },
  ...{ pad: 'z'.repeat(100) },
  ...changes,
});

describe('the engine', () => {
  test('loses and invents no write, whenever the power fails', { timeout: 120_000 }, () => {
    const numRuns = 150;
    const seen = { pages: 0, snapshots: 0, cuts: 0, rewritten: 0, forgotten: 0, compacted: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
        const model = openModel();
        for (const each of steps) model.take(each);
        for (const [name, count] of Object.entries(model.seen)) {
          seen[name as keyof typeof seen] += count;
        }
      }),
      { numRuns },
    );
    // Check that the runs contained each kind of event. Otherwise the property proves nothing about it.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(numRuns / 5);
  });

  test('has all of a snapshot, its pages and its group, or none of them, at each step', () => {
    const medium = openFailingMedium();
    const disk = openEngine(medium, SMALL);
    const jobs = Array.from({ length: 12 }, (_, at) =>
      jobOf(at, { until: at % 2 === 0 ? 9_000 : undefined }),
    );
    disk.write(jobs.map((job) => put(JOB, job)));
    medium.sync();
    const group: readonly Write[] = [
      put(THING, { id: 'new', size: 1, pad: '' }),
      put(JOB, jobOf(0, { until: 9_500 })),
    ];
    let steps = 0;
    for (;;) {
      const again = openEngine(medium, SMALL);
      again.brief(JOB);
      medium.cutAt(steps);
      try {
        again.write(group, { now: 1_000, exported: 0 });
        break;
      } catch (cause) {
        expect(cause).toBeInstanceOf(PowerCut);
      }
      medium.restart(false);
      const left = openEngine(medium, SMALL);
      expect(left.get(THING, 'new')).toBeUndefined();
      for (const job of jobs) expect(left.get(JOB, job.id)).toEqual(job);
      steps += 1;
    }
    const { pages, journal } = medium.rows();
    expect(pages.size).toBeGreaterThan(1);
    expect(journal.get(0)?.kind).toBe('snapshot');
    expect(steps).toBeGreaterThan(4);
    const after = openEngine(medium, SMALL);
    expect(after.get(THING, 'new')).toEqual({ id: 'new', size: 1, pad: '' });
    for (const job of jobs) {
      expect(after.get(JOB, job.id)).toEqual(job.id === 'j0' ? jobOf(0, { until: 9_500 }) : job);
    }
  });

  test('splits a group over the size of a row, and stores all of it or nothing', () => {
    const medium = openFailingMedium();
    const group = Array.from({ length: 9 }, (_, at) =>
      put(THING, { id: `t${at}`, size: at, pad: '\u20ac'.repeat(400_000) }),
    );
    let cuts = 0;
    for (;;) {
      medium.cutAt(cuts);
      try {
        openEngine(medium).write(group);
        break;
      } catch (cause) {
        expect(cause).toBeInstanceOf(PowerCut);
        expect(openEngine(medium).exists()).toBe(false);
        cuts += 1;
      }
    }
    const rows = [...medium.rows().journal.values()];
    expect(rows).toHaveLength(9);
    const encoder = new TextEncoder();
    for (const { text } of rows) expect(encoder.encode(text).length).toBeLessThan(2_000_000);
    expect(openEngine(medium).count(THING)).toBe(9);
  });

  test('keeps every entry while the export is stuck for an hour, and little of it in memory', () => {
    const medium = openFailingMedium();
    let disk = openEngine(medium, { ...LIMITS, snapshotAfter: 20_000, page: 10_000 });
    const CALLS = 3_600;
    for (let second = 0; second < CALLS; second += 1) {
      const entry = entryOf(second + 1, second);
      disk.write([put(JOB, jobOf(second, { until: second + 10, entries: [entry] }))], {
        now: second,
        exported: 0,
      });
    }
    disk = openEngine(medium);
    disk.forget({ now: 2 * CALLS, exported: 0 });
    expect(disk.brief(JOB).length).toBeLessThan(200);
    const nouns = [anyNoun(JOB), anyNoun(NOTE)];
    const exported: number[] = [];
    while (exported.length < CALLS) {
      const last = exported.at(-1) ?? 0;
      exported.push(...disk.entriesAfter(nouns, last, 500).map(({ seq }) => seq));
      disk.forget({ now: 2 * CALLS, exported: exported.at(-1) ?? 0 });
    }
    expect(exported).toEqual(Array.from({ length: CALLS }, (_, at) => at + 1));
    expect(medium.rows().pages.size).toBe(0);
    expect(disk.count(JOB)).toBe(0);
  });

  test('shows a remembered value by its key alone, and no other value of its page', () => {
    const medium = openFailingMedium();
    const disk = openEngine(medium, SMALL);
    const jobs = Array.from({ length: 300 }, (_, at) => jobOf(at, { until: 9_000 }));
    for (const job of jobs) disk.write([put(JOB, job)]);
    const read = openEngine(medium, SMALL);
    for (const job of jobs) expect(read.get(JOB, job.id)).toEqual(job);
    for (const id of ['j', 'j3000', 'J1', '1', 'j1\t']) expect(read.get(JOB, id)).toBeUndefined();
    expect(read.get(THING, 'j1')).toBeUndefined();
  });

  test('refuses a text that would break a line, and stores nothing of its group', () => {
    const medium = openFailingMedium();
    const disk = openEngine(medium);
    const broken = { ...THING, encode: () => 'a\tb' };
    const thing = { id: 'a', size: 1, pad: '' };
    expect(() => disk.write([put(THING, thing), put(broken, { ...thing, id: 'b' })])).toThrow(
      RangeError,
    );
    expect(disk.exists()).toBe(false);
    expect(disk.get(THING, 'a')).toBeUndefined();
  });
});
