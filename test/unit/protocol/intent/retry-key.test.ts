import { describe, expect, it } from 'vitest';
import { hexOf } from '../../../../src/crypto/bytes.ts';
import {
  commitmentOf,
  encodeRetryKey,
  newRetrySecret,
  parseRetryKey,
} from '../../../../src/protocol/intent/retry-key.ts';
import vectors from '../../../vectors/countersign-v1.json';

const { retry, mustFail } = vectors;

describe('parseRetryKey', () => {
  const read = parseRetryKey(retry.header);

  it('round-trips the published secret', () => {
    if (!read.ok) throw new Error(read.error.hint);
    expect(hexOf(read.value)).toBe(retry.secret);
    expect(encodeRetryKey(read.value)).toBe(retry.header);
  });

  it('reads the secret that the nonces of all published intents commit to', () => {
    if (!read.ok) throw new Error(read.error.hint);
    for (const { nonce } of [retry, vectors.paid.intent, vectors.unpaid.intent, vectors.mcp.intent])
      expect(commitmentOf(read.value)).toBe(nonce);
  });

  it.each(Object.entries(mustFail.retrySecrets))(
    'rejects the published counterexample "%s"',
    (name, header) => {
      const wrong = parseRetryKey(header);
      // Two of them are well formed, but are no secret of this nonce.
      const isWellFormed = name === 'wrong' || name === 'nonceItself';
      expect(wrong.ok).toBe(isWellFormed);
      if (wrong.ok) expect(commitmentOf(wrong.value)).not.toBe(retry.nonce);
      else
        expect(wrong.error).toMatchObject({ reason: 'malformed_header', field: 'Agent-Retry-Key' });
    },
  );

  it.each(['', ' ', retry.header.slice(1), `${retry.header}A`, retry.header.replace('_', '/')])(
    'rejects %j',
    (header) => {
      expect(parseRetryKey(header)).toMatchObject({ error: { reason: 'malformed_header' } });
    },
  );

  it('rejects a repeated header, and never repeats the secret in a fault', () => {
    const twice = parseRetryKey(`${retry.header}, ${retry.header}`);
    expect(twice).toMatchObject({ error: { reason: 'duplicate_header' } });
    for (const text of [`${retry.header}, ${retry.header}`, `${retry.header}A`])
      expect(JSON.stringify(parseRetryKey(text))).not.toContain(retry.header);
  });
});

it('newRetrySecret returns 32 different bytes each time', () => {
  const [one, other] = [newRetrySecret(), newRetrySecret()];
  expect([one.length, other.length]).toEqual([32, 32]);
  expect(hexOf(one)).not.toBe(hexOf(other));
});
