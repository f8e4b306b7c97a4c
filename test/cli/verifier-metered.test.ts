import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { entryHash } from '../../src/audit/entry.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { START } from '../unit/audit/history.ts';
import { keptUpfront, METERED_MUTATIONS, meteredLog } from '../support/metered-log.ts';
import { textOf } from '../support/verify-log.ts';
import { findingOf, isMissing, verifyInBoth, why } from './support/python-verifier.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-metered-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let written = 0;
const pricesOf = async (entries: readonly Entry[]) => {
  written += 1;
  const path = join(directory, `${written}.ndjson`);
  writeFileSync(path, textOf(entries));
  return findingOf((await verifyInBoth([path])).report, 'prices');
};

describe.skipIf(isMissing)(`the charges of metered calls, in both verifiers${why}`, () => {
  it('are proved for each rule that decides them', async () => {
    expect(await pricesOf(meteredLog())).toMatchObject({ verdict: 'proved', checked: 23 });
  });

  it('stay with the operator if money that moved before is kept', async () => {
    const log = meteredLog('broken off, usage known at the end', keptUpfront);
    expect(await pricesOf(log)).toMatchObject({ verdict: 'proved' });
  });

  it('are not checked without the acceptance of a call', async () => {
    expect(await pricesOf(meteredLog().slice(1))).toMatchObject({ unchecked: 1 });
  });

  it.each(METERED_MUTATIONS)('are broken by $name', async ({ call, change, reason, field }) => {
    const { first } = await pricesOf(meteredLog(call, change));
    expect([first?.['reason'], first?.['field']]).toEqual([reason, field]);
  });
});

/** Writes an export with a receipt for the first call of the log, and returns what both verifiers find about the receipt. */
const receiptsOf = async (claimed: object, reason: string) => {
  const log = meteredLog('complete', (entry) => ({
    ...entry,
    outcome: { ...entry.outcome, reason },
  }));
  const [accepted, finished] = log as readonly [Entry, Entry];
  const pair = await generateKeyPair('EdDSA');
  const claims = {
    ...{ agent: accepted.account, tool: 'chat', call: accepted.call, request: accepted.request },
    ...{ binding: 'none', charged: '3000', asset: accepted.payment?.['asset'], status: 200 },
    ...{ response: finished.outcome?.['digest'], entry: entryHash(accepted) },
    ...{ policy: accepted.policy, iat: START, ...claimed },
  };
  const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'agent-receipt+jwt', kid: 'k' })
    .sign(pair.privateKey);
  written += 1;
  const folder = join(directory, `${written}`);
  mkdirSync(join(folder, 'entries'), { recursive: true });
  const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }];
  const listed = [{ account: accepted.account, first: 1, last: log.length }];
  for (const [name, text] of Object.entries({
    'manifest.json': JSON.stringify({ v: 1, accounts: listed }),
    'entries/log.ndjson': textOf(log),
    'jwks.json': JSON.stringify({ keys }),
    'receipts.txt': `${token}\n`,
  })) {
    writeFileSync(join(folder, name), text);
  }
  const options = ['--receipts', join(folder, 'receipts.txt')];
  const { verdict, first } = findingOf((await verifyInBoth([folder], options)).report, 'receipts');
  return first?.['field'] ?? verdict;
};

describe.skipIf(isMissing)(`the receipt of a metered call, in both verifiers${why}`, () => {
  it.each([
    [{ usage: { tokens: 20 }, end: 'complete' }, 'answered', 'proved'],
    [{ usage: { tokens: 20 }, end: 'timeout' }, 'timeout', 'proved'],
    [{ usage: { tokens: 19 } }, 'answered', 'outcome.usage'],
    [{ usage: {} }, 'answered', 'outcome.usage'],
    [{ end: 'truncated' }, 'answered', 'outcome.reason'],
    [{ end: 'complete' }, 'timeout', 'outcome.reason'],
  ])('that states %j about an end with %s: %s', async (claimed, reason, found) => {
    expect(await receiptsOf(claimed, reason)).toBe(found);
  });
});
