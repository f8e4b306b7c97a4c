import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64Url, utf8 } from '../../../../src/crypto/bytes.ts';
import {
  encodeAgentIntent,
  parseAgentIntent,
} from '../../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { runs } from '../../../support/runs.ts';
import { intentOf } from './wire.ts';

const { chainId } = vectors.domain;
const valid = {
  v: 1,
  chainId: String(chainId),
  intent: vectors.unpaid.intent,
  signature: vectors.unpaid.signature,
};
const signed = {
  chainId,
  intent: intentOf(vectors.unpaid.intent),
  signature: vectors.unpaid.signature,
};
const header = (value: unknown) => encodeBase64Url(utf8(JSON.stringify(value)));

describe('parseAgentIntent', () => {
  it('reads the published intent, its chain as a string or a number', () => {
    expect(parseAgentIntent(header(valid))).toEqual({ ok: true, value: signed });
    expect(parseAgentIntent(header({ ...valid, chainId }))).toEqual({ ok: true, value: signed });
  });

  it('round-trips encodeAgentIntent', () => {
    const read = parseAgentIntent(header(valid));
    if (!read.ok) throw new Error(read.error.hint);
    expect(parseAgentIntent(encodeAgentIntent(read.value))).toEqual(read);
  });

  it.each([
    ['too_large', 'Agent-Intent', 'A'.repeat(8193)],
    ['duplicate_header', 'Agent-Intent', `${header(valid)}, ${header(valid)}`],
    ['malformed_header', 'Agent-Intent', ''],
    ['malformed_header', 'Agent-Intent', `${header(valid)}=`],
    ['malformed_header', 'Agent-Intent', `${header(valid)}==`],
    ['malformed_header', 'Agent-Intent', 'a+b/'],
    ['malformed_header', 'Agent-Intent', encodeBase64Url(Uint8Array.of(0xff, 0xfe))],
    ['malformed_header', 'Agent-Intent', encodeBase64Url(utf8('{'))],
    ['malformed_field', 'Agent-Intent', header([])],
    ['malformed_field', 'Agent-Intent', header(null)],
    ['unsupported_version', 'Agent-Intent.v', header({ ...valid, v: 2 })],
    ['unsupported_version', 'Agent-Intent.v', header({ ...valid, v: '1' })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: '0x1' })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: '01' })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: 0 })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: 1.5 })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: 2 ** 53 })],
    ['malformed_field', 'Agent-Intent.chainId', header({ ...valid, chainId: true })],
    ['malformed_field', 'Agent-Intent.signature', header({ ...valid, signature: '0x1' })],
    ['malformed_field', 'Agent-Intent.signature', header({ ...valid, signature: undefined })],
    ['unknown_field', 'Agent-Intent.extra', header({ ...valid, extra: 1 })],
    ['malformed_field', 'Agent-Intent.intent', header({ ...valid, intent: 'x' })],
    [
      'malformed_field',
      'Agent-Intent.intent.maxAmount',
      header({ ...valid, intent: { ...valid.intent, maxAmount: '0x10' } }),
    ],
    [
      'unknown_field',
      'Agent-Intent.intent.tip',
      header({ ...valid, intent: { ...valid.intent, tip: '1' } }),
    ],
  ])('rejects with %s at %s: case %#', (reason, field, text) => {
    expect(parseAgentIntent(text)).toMatchObject({ ok: false, error: { reason, field } });
  });

  it('accepts a header of exactly its limit', () => {
    const padded = JSON.stringify(valid).padEnd(6144, ' ');
    const text = encodeBase64Url(utf8(padded));
    expect(text.length).toBe(8192);
    expect(parseAgentIntent(text)).toEqual({ ok: true, value: signed });
  });

  it('returns a result for any text, and names the header in its faults', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.base64String({ maxLength: 200 }),
      fc.json().map((json) => encodeBase64Url(utf8(json))),
      fc.tuple(fc.nat(), fc.string({ maxLength: 3 })).map(([at, text]) => {
        const good = header(valid);
        const cut = at % good.length;
        return good.slice(0, cut) + text + good.slice(cut + text.length);
      }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseAgentIntent(text);
        if (result.ok) return;
        expect(result.error.field.startsWith('Agent-Intent')).toBe(true);
        expect(result.error.hint).not.toBe('');
      }),
      { numRuns: runs(20_000) },
    );
  });
});
