import { describe, expect, it } from 'vitest';
import { type Aftermath, tallyOf } from '../../../dev/storm/tally.ts';
import { accepted, ALICE, committed, history, settled } from '../../unit/audit/history.ts';

const entries = history(ALICE, [accepted(1), committed(1), settled(1)]).map((entry) => ({
  ...entry,
  ...(entry.tool === undefined ? {} : { tool: 'quote' }),
}));

const aftermath: Aftermath = {
  ...{ cap: 20_000n, called: [], entries, runs: [], received: 20_000n, paid: 20_000n },
  proof: {
    code: 0,
    stderr: '',
    report: { v: 1, verdict: 'bounded', entries: 3, accounts: 1, checks: [] },
  },
};

describe('a storm', () => {
  it('is proved if the verifier and its own counts agree', () => {
    expect(tallyOf(aftermath)).toMatchObject({ overspend: '0', unaccounted: '0', proved: true });
  });

  it('is not proved if its calls passed the cap, whatever the verifier says', () => {
    expect(tallyOf({ ...aftermath, cap: 19_999n })).toMatchObject({
      overspend: '1',
      proved: false,
    });
  });

  it('is not proved if the chain moved less than the log says', () => {
    expect(tallyOf({ ...aftermath, received: 19_999n })).toMatchObject({
      unaccounted: '1',
      proved: false,
    });
  });

  it('is not proved if the verifier missed something', () => {
    const proof = { ...aftermath.proof, code: 2 };
    expect(tallyOf({ ...aftermath, proof })).toMatchObject({ overspend: '0', proved: false });
  });
});
