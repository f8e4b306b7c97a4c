import { expectedOf } from '../../../src/management/parse-request.ts';
import { entityTag } from '../../../src/management/reply.ts';
import { describe, expect, it } from 'vitest';

const HASH = `0x${'ab'.repeat(32)}` as const;
const read = (headers: Record<string, string>) => expectedOf(new Headers(headers));

describe('a precondition', () => {
  it('is absent, one hash, any document, or no document', () => {
    expect(read({})).toEqual({ ok: true, value: undefined });
    expect(read({ 'If-Match': entityTag(HASH).ETag })).toEqual({ ok: true, value: HASH });
    expect(read({ 'If-Match': '*' })).toEqual({ ok: true, value: '*' });
    expect(read({ 'If-None-Match': '*' })).toEqual({ ok: true, value: 'none' });
  });

  it.each([
    { 'If-Match': HASH },
    { 'If-Match': `W/"${HASH}"` },
    { 'If-Match': `"${HASH}", "${HASH}"` },
    { 'If-Match': `"${HASH.toUpperCase()}"` },
    { 'If-Match': '""' },
    { 'If-Match': '' },
    { 'If-None-Match': `"${HASH}"` },
    { 'If-None-Match': '' },
    { 'If-Match': '*', 'If-None-Match': '*' },
  ])('rejects %o', (headers) => {
    const seen = read(headers as Record<string, string>);
    expect(seen.ok).toBe(false);
    if (!seen.ok) expect(seen.error.reason).toBe('malformed_request');
  });
});
