import { describe, expect, test } from 'vitest';
import { differencesText, runsText } from '../../src/cli/settlements/reconcile.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { ItemOf } from '../../src/management/routes.ts';
import { longest, names, NOW, outputOf } from './support/output.ts';

describe('a reconciliation', () => {
  const OWNER = `eip155:84532:0x${'00'.repeat(18)}d6cf` as const;
  const word: Hex = `0x${'ab'.repeat(32)}`;
  const run = {
    ...({ at: NOW, network: 'eip155:84532', kind: 'new', state: 'complete' } as const),
    ...{ from_block: 1_000, to_block: 2_000, differences: 0 },
    ...{ chain: { payments: 2, amount: '30000' }, ledger: { payments: 1, amount: '10000' } },
  };
  const difference = {
    ...({
      network: 'eip155:84532',
      account: OWNER,
      block: 1_500,
      first_at: NOW,
      seen_at: NOW,
    } as const),
    ...({ kind: 'unrecorded', informational: false, call: word, amount: '20000' } as const),
    ledger: { state: 'released' },
  } satisfies ItemOf<'differences.list'>;

  test('shows chain and ledger of each run', () => {
    const text = runsText(outputOf(120), [run, { ...run, kind: 'again', state: 'stopped' }]);
    expect(text).toMatch(/eip155:84532 +1000-2000 +\$0\.03 \(2\) +\$0\.01 \(1\) +complete/);
    expect(text).toContain('stopped, again');
    expect(runsText(outputOf(120), [])).toContain('every 15 minutes');
  });

  test('lists differences and counts those that an operator must check', () => {
    const { amount: _, ...missing } = difference;
    const text = differencesText(
      outputOf(140),
      [
        difference,
        { ...missing, kind: 'missing', ledger: { state: 'settled', amount: '20000' } },
        { ...difference, kind: 'unsolicited', informational: true, ledger: { state: 'absent' } },
        { ...difference, kind: 'moved', resolved_at: NOW + 1 },
      ],
      names.of,
    );
    expect(text).toMatch(/unrecorded .+ \$0\.02 +released +1500/);
    expect(text).toMatch(/missing .+ nothing +settled \$0\.02/);
    expect(text).toContain('moved, resolved');
    expect(text).toContain('4 differences; an operator must check 2');
    expect(differencesText(outputOf(80), [], names.of)).toContain('ledger and chain agree');
  });

  test.each([40, 60, 80])('fits into %i columns', (columns) => {
    const out = outputOf(columns);
    expect(longest(runsText(out, [run]))).toBeLessThanOrEqual(columns);
    // A hash cannot wrap, so replace it.
    const text = differencesText(out, [difference], names.of).replace(word, 'the hash');
    expect(longest(text)).toBeLessThanOrEqual(columns);
  });
});
