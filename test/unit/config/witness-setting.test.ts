import { describe, expect, test } from 'vitest';
import { SIGNATURE_TYPE, verifierKey } from '../../../src/audit/log/signed-note.ts';
import { readWitnesses } from '../../../src/config/witness-setting.ts';
import { KEY, VERIFIER_KEY } from '../audit/log/vectors.ts';

const NOTE_KEY = { ...KEY, name: 'witness.example/w', type: SIGNATURE_TYPE.cosignature };
const key = verifierKey(NOTE_KEY);
const url = 'https://witness.example';

describe('WITNESSES', () => {
  test('names witnesses by URL and key, or none', () => {
    expect(readWitnesses('', 'public')).toEqual({ ok: true, value: [] });
    expect(readWitnesses(JSON.stringify([{ url: `${url}/`, key }]), 'public')).toEqual({
      ok: true,
      value: [{ url, key: NOTE_KEY }],
    });
  });

  test.each<[string, unknown]>([
    ['a URL of this machine', [{ url: 'http://127.0.0.1:8080', key }]],
    ['a private address', [{ url: 'https://10.0.0.1', key }]],
    ['the key of a log', [{ url, key: VERIFIER_KEY }]],
    ['a key with another id', [{ url, key: key.replace(/\+[0-9a-f]{8}\+/, '+00000000+') }]],
    [
      'one witness twice',
      [
        { url, key },
        { url, key },
      ],
    ],
    ['an unknown member', [{ url, key, name: 'w' }]],
    ['an object', { url, key }],
    ['nine witnesses', Array.from({ length: 9 }, () => ({ url, key }))],
  ])('is refused with %s, without its value in the fault', (_, value) => {
    const read = readWitnesses(JSON.stringify(value), 'public');
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('127.0.0.1');
  });
});
