import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { accountOf } from '../conformance/support/credit.ts';
import { HISTORY_VARIABLES, makeHistory } from '../conformance/support/history.ts';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe } from './support/command.ts';
import { useHome } from './support/home.ts';
import {
  brokenIn,
  EXPORT,
  findingOf,
  isMissing,
  verifyInBoth,
  why,
} from './support/python-verifier.ts';
import { putStackFile } from './support/stack.ts';

const world = useWorld({ variables: HISTORY_VARIABLES });
const home = useHome();

/** The account merges equal denials of ten seconds into one entry, and the gateway signs a checkpoint at most every ten seconds. */
const PATIENCE = { timeout: 90_000, interval: 1_000 };

test.skipIf(isMissing)(
  `exports what both verifiers prove, all of it and of one fleet${why}`,
  { timeout: 300_000 },
  async () => {
    const history = await makeHistory(world());
    const [, bob] = history.agents;
    const typesOf = async (address = ''): Promise<readonly string[]> =>
      (await world().audit.entries(accountOf(address))).map(({ type }) => type);
    await vi.waitFor(async () => {
      const settled = (await typesOf(history.payer.address)).filter((t) => t === 'payment.settled');
      const denied = (await typesOf(bob?.address)).filter((t) => t === 'call.denied');
      expect([settled.length, denied.length]).toEqual([4, 2]);
    }, PATIENCE);
    const place = await putStackFile(world(), home());
    const folder = join(place.directory, 'all');
    const receipts = join(place.directory, 'receipts.txt');
    writeFileSync(receipts, history.receipts.map((receipt) => `${receipt}\n`).join(''));
    await vi.waitFor(async () => {
      rmSync(folder, { recursive: true, force: true });
      const ran = await pipe(place, ['audit', 'export', '--all', '-o', folder, '--json']);
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      expect(documentIn(ran)).toMatchObject({ entries: expect.any(Number) });
      const keys = join(place.directory, 'keys');
      cpSync(join(folder, 'log-key'), keys);
      const options = ['--receipts', receipts, '--log-key', keys];
      const { report } = await verifyInBoth([folder], options);
      expect(brokenIn(report)).toEqual({});
      for (const check of [
        'form',
        'chain',
        'signatures',
        'calls',
        'payments',
        'prices',
        'receipts',
      ])
        expect([check, findingOf(report, check)]).toMatchObject([check, { verdict: 'proved' }]);
      for (const check of ['limits', 'denials', 'totals'])
        expect([check, findingOf(report, check).unchecked]).toEqual([check, 0]);
      // The log covers every entry.
      expect(findingOf(report, 'log').verdict).toBe('proved');
      expect(findingOf(report, 'heads').verdict).toBe('proved');
    }, PATIENCE);
    // `COUNTERSIGN_WRITE_EXPORT=1` replaces the committed export, e.g. after entries get a new member.
    if (process.env['COUNTERSIGN_WRITE_EXPORT'] === '1') {
      rmSync(EXPORT, { recursive: true, force: true });
      cpSync(folder, EXPORT, { recursive: true });
      cpSync(receipts, join(EXPORT, 'receipts.txt'));
    }
  },
);
