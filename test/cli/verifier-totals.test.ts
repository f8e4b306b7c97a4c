import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type OwnerLimit, type TreeCall, treeLog } from '../support/tree-log.ts';
import { textOf } from '../support/verify-log.ts';
import { START } from '../unit/audit/history.ts';
import { findingOf, isMissing, verifyInBoth, why } from './support/python-verifier.ts';

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
