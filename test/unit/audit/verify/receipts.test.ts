import { CompactSign } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { entryHash } from '../../../../src/audit/entry.ts';
import { readKeySet } from '../../../../src/protocol/key-set.ts';
import { createReceipts } from '../../../../src/audit/verify/receipts.ts';
import { utf8 } from '../../../../src/crypto/bytes.ts';
import type { Entry, EntryBody } from '../../../../src/protocol/entry.ts';
import { fileOf, findingOf } from '../../../support/verify-log.ts';
import { MALLORY, START, word } from '../history.ts';
import { byBound, digest, logOf, signed } from './signed-log.ts';

const finished: EntryBody = {
  type: 'call.finished',
  at: START + 1,
  call: digest,
  tool: 'translate',
  request: signed.request,
  decision: 'committed',
  policy: word(7),
  amounts: { charged: '20000' },
  outcome: { success: true, status: 200, digest: word(9), reason: 'answered' },
  payment: { state: 'queued', paidBy: 'deferred' },
};
const log = logOf([byBound({}, { policy: word(7) }), finished]);
const accepted = log[0] as Entry;

let pair: CryptoKeyPair;
let keys: string;
beforeAll(async () => {
  pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = (await crypto.subtle.exportKey('jwk', pair.publicKey)) as JsonWebKey;
  keys = JSON.stringify({ keys: [{ ...jwk, kid: 'k1' }] });
});

const claims = {
  iss: 'https://gateway.example',
  agent: accepted.account,
  tool: 'translate',
  call: digest,
  request: signed.request,
  binding: 'intent',
  charged: '20000',
  asset: accepted.payment?.['asset'],
  status: 200,
  response: word(9),
  entry: entryHash(accepted),
  policy: word(7),
  iat: START + 1,
};

const receiptOf = async (changes: object = {}, header: object = {}): Promise<string> =>
  await new CompactSign(utf8(JSON.stringify({ ...claims, ...changes })))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'agent-receipt+jwt', kid: 'k1', ...header })
    .sign(pair.privateKey);

const finding = async (text: string, entries: readonly Entry[] = log) => {
  const set = await readKeySet(JSON.parse(keys));
  if (set === undefined) throw new Error('a JWK set');
  const accounts = new Map(
    entries.map(({ account }) => [account, { first: 1, last: entries.length }] as const),
  );
  const check = await createReceipts(fileOf('receipts.txt', text), set, { accounts });
  return await findingOf(check, entries);
};

describe('a receipt', () => {
  it('is proved by the entries of its call', async () => {
    const receipt = await receiptOf();
    expect(await finding(`${receipt}\n${receipt}\n`)).toMatchObject({
      verdict: 'proved',
      checked: 2,
    });
  });

  it.each([
    [{ tool: 'lookup' }, 'tool'],
    [{ request: word(3) }, 'request'],
    [{ binding: 'none' }, 'binding'],
    [{ charged: '1' }, 'amounts.charged'],
    [{ asset: 'iso4217:USD' }, 'payment.asset'],
    [{ status: 500 }, 'outcome.status'],
    [{ response: word(8) }, 'outcome.digest'],
    [{ policy: word(8) }, 'policy'],
    [{ agent: MALLORY }, 'account'],
  ])('that states %j breaks the entry which states otherwise', async (changes, field) => {
    expect((await finding(await receiptOf(changes))).first).toMatchObject({
      reason: 'differs_from_receipt',
      field,
    });
  });

  const ending = (outcome: object) => {
    const body = { ...finished, outcome: { ...finished.outcome, ...outcome } } as EntryBody;
    return logOf([byBound({}, { policy: word(7) }), body]);
  };

  it.each([
    [{ usage: { tokens: 20 } }, { usage: { tokens: 21 } }, 'outcome.usage'],
    [{ usage: { tokens: 20 } }, { usage: {} }, 'outcome.usage'],
    [{ basis: 'metered' }, { basis: 'partial' }, 'outcome.basis'],
    [{ end: 'truncated' }, {}, 'outcome.reason'],
    [{ end: 'timeout' }, { reason: 'truncated' }, 'outcome.reason'],
    [{ end: 'complete' }, { reason: 'timeout' }, 'outcome.reason'],
  ])('about a stream that states %j breaks an end with %j', async (claimed, outcome, field) => {
    const entries = ending(outcome);
    const receipt = await receiptOf({ ...claimed, entry: entryHash(entries[0] as Entry) });
    expect((await finding(receipt, entries)).first).toMatchObject({
      ...{ reason: 'differs_from_receipt', field, seq: 2 },
    });
  });

  it.each([
    [{ usage: { a: 1, b: 2 } }, { usage: { b: 2, a: 1 } }],
    [{ usage: { a: 1 } }, {}],
    [{}, { usage: { a: 1 } }],
    [{ end: 'left' }, { reason: 'truncated' }],
    [{ end: 'maximum' }, {}],
    [{ end: 'timeout' }, { reason: 'timeout' }],
    [{ end: 'timeout' }, { reason: 'upstream_status' }],
  ])('about a stream that states %j proves an end with %j', async (claimed, outcome) => {
    const entries = ending(outcome);
    const receipt = await receiptOf({ ...claimed, entry: entryHash(entries[0] as Entry) });
    expect(await finding(receipt, entries)).toMatchObject({ verdict: 'proved' });
  });

  it('may be corrected by the person who resolves the call', async () => {
    const resolved: EntryBody = { ...finished, type: 'call.resolved', amounts: { charged: '0' } };
    const corrected = logOf([byBound({}, { policy: word(7) }), finished, resolved]);
    const entry = entryHash(corrected[0] as Entry);
    const receipt = await receiptOf({ entry, charged: '0' });
    expect(await finding(receipt, corrected)).toMatchObject({ verdict: 'proved' });
  });

  it('is broken if its entry is not in the chain, although the chain goes on after it', async () => {
    const receipt = await receiptOf({ entry: word(1), iat: START });
    expect((await finding(receipt)).first).toMatchObject({
      file: 'receipts.txt',
      line: 1,
      reason: 'entry_missing',
      account: accepted.account,
    });
  });

  it('is not checked if it is newer than the chain, or if the chain or the key is missing', async () => {
    for (const text of [
      await receiptOf({ entry: word(1), iat: START + 9 }),
      await receiptOf({ entry: word(1), agent: MALLORY }),
      await receiptOf({}, { kid: 'k2' }),
    ]) {
      expect(await finding(text)).toMatchObject({ verdict: 'not checked', unchecked: 1 });
    }
  });

  it('is broken if it is signed by nobody, is no receipt, or is older than its entry', async () => {
    const receipt = await receiptOf();
    const [head = '', , signature = ''] = receipt.split('.');
    const forged = `${head}.${btoa(JSON.stringify({ ...claims, charged: '1' })).replaceAll('=', '')}.${signature}`;
    expect((await finding(forged)).first).toMatchObject({ reason: 'wrong_signer' });
    const assertion = await receiptOf({}, { typ: 'agent-assertion+jwt' });
    const used = await receiptOf({ usage: { tokens: 0.5 } });
    for (const text of ['x', 'a.b.c', assertion, used, await receiptOf({ call: 'x' })]) {
      expect((await finding(text)).first).toMatchObject({ reason: 'malformed_receipt' });
    }
    expect((await finding(await receiptOf({ iat: START - 1 }))).first).toMatchObject({
      reason: 'later_than_receipt',
    });
  });
});
