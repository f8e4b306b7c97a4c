import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nativeSha256 } from '../../../../src/crypto/native-crypto.ts';
import { accountFingerprint } from '../../../../src/audit/archive/fingerprint.ts';
import { readSection } from '../../../../src/audit/archive/gzip-sections.ts';
import {
  type ArchivedRun,
  createObjectWriter,
} from '../../../../src/audit/archive/object-writer.ts';

const ACCOUNT = `eip155:84532:0x${'ab'.repeat(20)}` as const;
const CALL = `0x${'1234abcd'.repeat(8)}` as const;
const HASH = `0x${'11'.repeat(32)}` as const;

const runOf = (first: number, last: number): ArchivedRun => ({
  ...{ account: ACCOUNT, first, last, lastHash: HASH },
  text: Array.from(
    { length: last - first + 1 },
    (_, at) => `${JSON.stringify({ at: 1_000 + first + at, call: CALL, seq: first + at })}\n`,
  ).join(''),
});

const written = (...runs: readonly ArchivedRun[]) => {
  const writer = createObjectWriter('2026-11-27', 1);
  for (const run of runs) writer.add(run);
  return writer.finish();
};

describe('an object of the archive', () => {
  const runs = [runOf(1, 3), runOf(4, 400), runOf(401, 401)];
  const object = written(...runs);

  it('is one gzip file of all lines', () => {
    expect(gunzipSync(object.body).toString()).toBe(runs.map(({ text }) => text).join(''));
  });

  it('has ranges that can be read without the rest of the object', () => {
    for (const [at, { offset, length }] of object.ranges.entries()) {
      const section = object.body.subarray(offset, offset + length);
      expect(readSection(section, 1_048_576)).toBe(runs[at]?.text);
    }
  });

  it('refuses to decompress a range over its limit', () => {
    const { offset, length } = object.ranges[1] as { offset: number; length: number };
    expect(() => readSection(object.body.subarray(offset, offset + length), 100)).toThrow(
      RangeError,
    );
  });

  it('is named after day, part and hash, and is the same for the same runs', () => {
    expect(object.sha256).toBe(nativeSha256(object.body));
    expect(object.name).toBe(`day=2026-11-27/0001-${object.sha256.slice(2, 18)}.ndjson.gz`);
    expect(written(...runs)).toEqual(object);
    expect(written(runOf(1, 4)).name).not.toBe(object.name);
  });

  it('counts entries, their times and the fingerprints of their calls', () => {
    expect(object).toMatchObject({ entries: 401, from: 1_001, to: 1_401 });
    expect(object.ranges.map(({ calls }) => [...calls])).toEqual(
      Array.from({ length: 3 }, () => [0x12, 0x34, 0xab, 0xcd]),
    );
    expect(accountFingerprint(ACCOUNT)).toBe('abababab');
  });
});
