import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parseEntryProof, writeEntryProof } from '../../src/audit/log/entry-proof.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { useSharedStack } from './support/stack.ts';
import { untilYearLasts } from '../support/day.ts';

const { world, putStackFile } = useSharedStack();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = withEnv(await putStackFile(home()), { COUNTERSIGN_PASSWORD: PASSWORD });
});

const run = async (words: readonly string[], stdin = ''): Promise<Ran> =>
  await pipe(place, words, stdin);
const path = (name: string): string => join(place.directory, name);
const year = (): number => new Date().getUTCFullYear();

const receiptOfCall = async (): Promise<string> => {
  const data = JSON.stringify({ text: `Once ${Math.random()}.` });
  const ran = await run(['call', '/tools/report', '-d', data, '--as', 'agent', '--json']);
  expect(ran.code, ran.stderr).toBe(0);
  return (documentIn(ran) as { agentReceipt: string }).agentReceipt;
};

describe('audit prove', () => {
  test('turns a receipt into a file that proves its entry offline, and says when it is too early', async () => {
    await untilYearLasts(60_000);
    const receipt = await receiptOfCall();
    const words = ['audit', 'prove', '-', '--as', 'agent', '--json'];
    const early = await run(words, receipt);
    // On a slow machine, a checkpoint may already cover the entry.
    if (early.code !== 0) {
      expect([early.code, documentIn(early)]).toMatchObject([
        2,
        { error: { code: 'not_logged_yet' } },
      ]);
    }
    await expect
      .poll(async () => (await run([...words, '-o', 'call.tlog-proof'], receipt)).code, {
        ...{ timeout: 60_000, interval: 500 },
      })
      .toBe(0);
    const { url } = world().stack.gateway;
    await writeFile(path('log-key'), await (await fetch(`${url}/log/${year()}/keys`)).text());
    await writeFile(path('jwks.json'), await (await fetch(`${url}/.well-known/jwks.json`)).text());

    const verify = ['audit', 'verify-proof', 'call.tlog-proof', '--log-key', 'log-key', '--json'];
    const proved = await run([...verify, '--keys', 'jwks.json']);
    expect(proved.code, proved.stdout + proved.stderr).toBe(0);
    expect(documentIn(proved)).toMatchObject({ proved: true, receipt: 'proved', witnesses: [] });

    const file = parseEntryProof(await readFile(path('call.tlog-proof'), 'utf8'));
    if (file === undefined) throw new Error('no proof');
    const entry = (file.entry ?? '').replace('"at":1', '"at":2');
    expect(entry).not.toBe(file.entry);
    await writeFile(path('call.tlog-proof'), writeEntryProof({ ...file, entry }));
    const altered = await run(verify);
    expect([altered.code, documentIn(altered)]).toMatchObject([
      1,
      { error: { code: 'entry_altered' } },
    ]);

    // An unrelated key gets neither the call nor its entries and leaves.
    const stranger = await run(['audit', 'prove', receipt, '--as', 'agent8', '--json']);
    expect([stranger.code, documentIn(stranger)]).toMatchObject([
      1,
      { error: { code: 'unknown_account' } },
    ]);
    await writeFile(path('receipt.txt'), `Agent-Receipt: ${receipt}\n`);
    const operator = await run(['audit', 'prove', 'receipt.txt', '--operator', '--hash-only']);
    expect(operator.code, operator.stderr).toBe(0);
    expect(parseEntryProof(operator.stdout)?.entry).toBeUndefined();
  });

  test('names what is missing', async () => {
    const keyless = await run(['audit', 'verify-proof', 'call.tlog-proof']);
    expect([keyless.code, keyless.stderr]).toEqual([2, expect.stringContaining('--log-key')]);
    const forged = await run(['audit', 'prove', 'e30.e30.e30', '--as', 'agent']);
    expect([forged.code, forged.stderr]).toEqual([
      1,
      expect.stringContaining('not a receipt of this gateway'),
    ]);
  });
});
