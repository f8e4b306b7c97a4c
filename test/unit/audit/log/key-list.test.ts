import { describe, expect, test } from 'vitest';
import { keyListText, parseKeyList } from '../../../../src/audit/log/key-list.ts';
import { KEY, VERIFIER_KEY } from './vectors.ts';

const OTHER = { ...KEY, publicKey: new Uint8Array(32) };
const AT = 1_795_737_600;

describe('a list of keys of a log', () => {
  test('has a line for each key, with the times between which it signed', () => {
    const keys = [{ key: KEY, from: AT }, { key: OTHER, from: AT - 60, until: AT }, { key: OTHER }];
    const text = keyListText(keys);
    expect(text.split('\n')[0]).toBe(`${VERIFIER_KEY} 2026-11-27T00:00:00Z`);
    expect(parseKeyList(text)).toEqual(keys);
  });

  test('may be a file of keys alone', () => {
    expect(parseKeyList(`${VERIFIER_KEY}\n\n`)).toEqual([{ key: KEY }]);
  });

  test.each([
    '',
    '\n',
    'key',
    `${VERIFIER_KEY} today`,
    `${VERIFIER_KEY} 2026-02-30T00:00:00Z`,
    `${VERIFIER_KEY} 2026-13-01T00:00:00Z`,
    `${VERIFIER_KEY} 2026-11-27T24:00:00Z`,
    `${VERIFIER_KEY} 0026-11-27T00:00:00Z`,
    `${VERIFIER_KEY} 2026-11-27T00:00:00Z 2026-11-27T00:00:00Z 2026-11-27T00:00:00Z`,
    `${VERIFIER_KEY}\nkey`,
    VERIFIER_KEY.replace('49c1ef09', '49c1ef0a'),
    `${VERIFIER_KEY}\n`.repeat(65),
  ])('is nothing else: %j', (text) => {
    expect(parseKeyList(text)).toBeUndefined();
  });
});
