import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type OwnerLimit, type TreeCall, treeLog } from '../support/tree-log.ts';
import { textOf } from '../support/verify-log.ts';
import { START } from '../unit/audit/history.ts';
import {
  EXPORT,
  findingOf,
  isMissing,
  python,
  useCopies,
  verifyInBoth,
  why,
} from './support/python-verifier.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-totals-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const totalsOf = async (name: string, limit: OwnerLimit, calls: readonly TreeCall[]) => {
  const path = join(directory, `${name}.ndjson`);
  writeFileSync(path, [...treeLog(limit, calls).values()].map(textOf).join(''));
  const { verdict, first } = findingOf((await verifyInBoth([path])).report, 'totals');
  return first === undefined ? verdict : `${first['field']}: ${first['reason']}`;
};

const pair = (seconds: number, isListed: boolean): readonly TreeCall[] =>
  [60, 41].map((price, agent) => ({
    ...{ agent: agent as 0 | 1, at: START + seconds, price, isListed },
  }));

describe.skipIf(isMissing)(`the verifiers on a cap that agents pass together${why}`, () => {
  const cap: OwnerLimit = { policy: { lifetime: '100u' }, since: START };

  it('both find it broken a second after the cap came into force', async () => {
    expect(await totalsOf('listed', cap, pair(1, true))).toBe('lifetime: over_limit');
  });

  it('both call it bounded while the calls do not list the policy yet', async () => {
    expect(await totalsOf('unlisted', cap, pair(1, false))).toBe('bounded');
  });
});

const OWNER_LOG = 'entries/eip155_84532_0x7e4c98f5643e1de023ecce0d5c9a867f8e8f6886.ndjson';

describe.skipIf(isMissing)(`the verifiers on the limits of a fleet${why}`, () => {
  const copied = useCopies();
  const limitsOf = async (path: string) => findingOf((await verifyInBoth([path])).report, 'limits');

  it("prove every call under a grant with the owner's log", async () => {
    expect(await limitsOf(EXPORT)).toMatchObject({ verdict: 'proved', checked: 14, bounded: 0 });
  });

  it('say which chain is missing without it', async () => {
    const copy = copied();
    copy.remove(OWNER_LOG);
    expect(await limitsOf(copy.path)).toMatchObject({
      verdict: 'bounded',
      bounded: 7,
      note: 'the chain of an account above is not in the files',
    });
  });

  it('do not prove calls that cost more credit than their owner had', async () => {
    const copy = copied();
    // The owner bought $0.50. After this change the log shows $0.04, and its agents spent $0.045.
    copy.put(
      OWNER_LOG,
      copy.entries(OWNER_LOG).map((entry) => ({
        ...entry,
        ...(entry.amounts?.['price'] === '500000' ? { amounts: { price: '40000' } } : {}),
      })),
    );
    const { bounded, note } = await limitsOf(copy.path);
    expect(bounded).toBeGreaterThan(0);
    expect(note).toContain('may together have held more credit than there was');
  });
});

/** Counts how often the Python verifier reads a thousand versions and calls of an owner while it checks a thousand claims and counters. */
const COUNTED_READS = `
from ancestor_claims import KnownAncestor
from branch_calls import BranchCalls
from branches import BelowCall, Branch, InForce
from limit_course import LimitCourse

reads = 0

class Counted(list):
    def __iter__(self):
        global reads
        for each in super().__iter__():
            reads += 1
            yield each

    def __getitem__(self, place):
        global reads
        reads += 1
        return super().__getitem__(place)

branch = Branch("owner")
branch.changes = Counted((at * 100, "owner", str(at)) for at in range(1000))
branch.statuses = Counted([(0, "active")] + [(at * 100, "active") for at in range(1000)])
branch.below = Counted(BelowCall("agent", "g", None, "a", at, 1, False, (), None) for at in range(1000))
known, calls = KnownAncestor(branch), BranchCalls(branch)
course = LimitCourse(Counted(InForce(at * 100, at * 100 + 100, at) for at in range(1000)))
prepared = reads
for at in range(1, 999):
    assert known.slots["owner"].held_in(str(at), at * 100 + 70, at * 100 + 71) == (True, True)
    assert known.statuses.held_in("active", at, at + 130) == (True, True)
    assert len(calls.below("a", None, at, at + 1)) == 1
    assert course.highest_in(at * 100 + 65, at * 100 + 34) == at
    assert course.covered_from(at) == 100000
print(prepared, reads - prepared)
`;

describe.skipIf(isMissing)(`the Python verifier on an owner with many policies${why}`, () => {
  it('reads each policy and each call once, however many claims and counters it judges', async () => {
    const { code, out, err } = await python(['-c', COUNTED_READS]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [prepared, later] = out.trim().split(' ').map(Number);
    expect(prepared).toBeLessThan(20_000);
    expect(later).toBe(0);
  });
});
