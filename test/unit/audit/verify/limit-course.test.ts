import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { branchCalls } from '../../../../src/audit/verify/branch-calls.ts';
import {
  type BranchCall,
  type InForce,
  newBranch,
  SLACK,
} from '../../../../src/audit/verify/branches.ts';
import { limitCourse } from '../../../../src/audit/verify/limit-course.ts';
import { word } from '../history.ts';
import { ACCOUNT, OTHER } from './signed-log.ts';

const ASSET = `eip155:84532/erc20:0x${'70'.repeat(20)}` as const;

/** Times in seconds, in steps of half the tolerated clock difference: some are close to each other and others are not. */
const time = fc.integer({ min: 0, max: 24 }).map((half) => half * 32);

/** A policy that changes at ascending times. Some versions do not set the counter's limit. */
const limits = fc
  .tuple(
    fc.array(time, { maxLength: 8 }),
    fc.infiniteStream(fc.option(fc.bigInt({ min: 0n, max: 9n }))),
  )
  .map(([times, drawn]): readonly InForce[] => {
    const starts = [0, ...times.toSorted((one, other) => one - other)];
    return starts.flatMap((from, at): readonly InForce[] => {
      const { value: limit } = drawn.next();
      const to = starts[at + 1] ?? Number.MAX_SAFE_INTEGER;
      return limit === null || limit === undefined ? [] : [{ from, to, limit }];
    });
  });

describe('the course of a limit', () => {
  it('says of each call what looking at each version says', () => {
    fc.assert(
      fc.property(limits, time, (versions, at) => {
        const { near, coveredFrom } = limitCourse(versions);
        expect(near.filter(({ from, to }) => from <= at && at < to)).toHaveLength(
          versions.some(({ from, to }) => from <= at + SLACK && at - SLACK < to) ? 1 : 0,
        );
        let covered = at - SLACK;
        for (const { from, to } of versions) if (from <= covered && covered < to) covered = to;
        expect(coveredFrom(at - SLACK)).toBe(covered);
      }),
      { numRuns: 500 },
    );
  });

  it('has the highest limit of a period', () => {
    fc.assert(
      fc.property(limits, time, time, (versions, start, length) => {
        const end = start + length;
        const highest = versions
          .filter(({ from, to }) => from <= end + SLACK && start - SLACK < to)
          .reduce((most, { limit }) => (limit > most ? limit : most), -1n);
        expect(limitCourse(versions).highestIn({ start, end })).toBe(highest);
      }),
      { numRuns: 500 },
    );
  });

  it('reads each version once, however many calls and periods it is asked about', () => {
    let reads = 0;
    const versions = Array.from({ length: 1_000 }, (_, at): InForce => ({
      get from() {
        reads += 1;
        return at * 100;
      },
      ...{ to: at * 100 + 100, limit: BigInt(at) },
    }));
    const course = limitCourse(versions);
    const first = reads;
    expect(first).toBeLessThan(10_000);
    for (let at = 0; at < 1_000; at += 1) {
      expect(course.coveredFrom(at * 100)).toBe(100_000);
      expect(course.highestIn({ start: at * 100 + 65, end: at * 100 + 34 })).toBe(BigInt(at));
    }
    expect(reads).toBe(first);
  });
});

const CALL: BranchCall = {
  ...{ borrower: OTHER, grant: word(1), parent: '', asset: ASSET, at: 0, amount: 1n },
  ...{ isLent: false, policies: [], place: { file: 'a', line: 1, account: OTHER, seq: 1 } },
};

describe('the calls that count in the limits of an account', () => {
  it('are those of a time, an asset and a grant', () => {
    const drawn = fc.array(
      fc.record({ at: time, parent: fc.constantFrom('' as const, word(1), word(2)) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(drawn, time, time, (calls, from, to) => {
        const below = calls.map((call) => ({ ...CALL, ...call }));
        const found = branchCalls({ ...newBranch(ACCOUNT), below });
        const ranksOf = (parent: BranchCall['parent'] | undefined) =>
          below.flatMap((call, rank) =>
            call.at >= from && call.at < to && (parent === undefined || call.parent === parent)
              ? [rank]
              : [],
          );
        const shown = (parent?: `0x${string}`) =>
          found
            .below(ASSET, parent, from, to)
            .map(({ rank }) => rank)
            .toSorted((one, other) => one - other);
        expect(shown()).toEqual(ranksOf(undefined));
        expect(shown(word(1))).toEqual(ranksOf(word(1)));
        expect(found.below(`${ASSET}0` as typeof ASSET, undefined, from, to)).toEqual([]);
      }),
    );
  });

  it('are read once, however many counters of policies are added up', () => {
    let reads = 0;
    const below = Array.from({ length: 1_000 }, (_, at): BranchCall => ({
      ...CALL,
      get at() {
        reads += 1;
        return at;
      },
    }));
    const calls = branchCalls({ ...newBranch(ACCOUNT), below });
    const first = reads;
    for (let at = 0; at < 1_000; at += 1) {
      expect(calls.below(ASSET, undefined, at, at + 1)).toHaveLength(1);
    }
    expect(first).toBeLessThan(5_000);
    expect(reads).toBe(first);
  });
});
