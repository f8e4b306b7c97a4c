import { describe, expect, it } from 'vitest';
import { createTally } from '../../../../src/audit/verify/tally.ts';
import { entryHash, entryText } from '../../../../src/audit/entry.ts';
import { ALICE, denied, history } from '../history.ts';

const [entry] = history(ALICE, [denied(1)]);
if (entry === undefined) throw new Error('a history of one entry');
const seen = {
  entry,
  text: entryText(entry),
  hash: entryHash(entry),
  place: { file: 'alice.ndjson', line: 1 },
};

describe('the tally of a check', () => {
  it('proves what nothing bounds, and keeps the counts', () => {
    const tally = createTally('chain');
    tally.prove();
    tally.prove(2);
    expect(tally.finding()).toEqual({
      check: 'chain',
      verdict: 'proved',
      checked: 3,
      bounded: 0,
      unchecked: 0,
    });
  });

  it('reports the worst of what it counted: broken, then not checked, then bounded', () => {
    const tally = createTally('limits');
    tally.bound('a lease');
    expect(tally.finding()).toMatchObject({ verdict: 'bounded', bounded: 1, note: 'a lease' });
    tally.skip('no policy text');
    expect(tally.finding()).toMatchObject({ verdict: 'not checked', note: 'no policy text' });
    tally.breakAt(seen, 'over_limit', 'amounts.price');
    tally.breakAt(seen, 'later');
    expect(tally.finding()).toMatchObject({
      verdict: 'BROKEN',
      first: {
        account: ALICE,
        seq: 1,
        file: 'alice.ndjson',
        line: 1,
        field: 'amounts.price',
        reason: 'over_limit',
      },
    });
  });
});
