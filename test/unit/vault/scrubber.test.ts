import { expect, it } from 'vitest';
import { openScrubber } from '../../../src/vault/scrubber.ts';
import { MARK } from '../../../src/vault/secret.ts';
import { ENCODERS } from '../../support/encoders.ts';

const encoder = new TextEncoder();

const scrub = (text: string, chunks: readonly Uint8Array[]): string => {
  const { push, end } = openScrubber([{ name: 's', text }], () => undefined).body();
  const decoder = new TextDecoder();
  const shown = chunks.map((chunk) => decoder.decode(push(chunk), { stream: true }));
  return shown.join('') + decoder.decode(end());
};

it.each(Object.entries(ENCODERS))('removes what %s wrote, cut at any byte', (_, encode) => {
  const text = `aB/c+d=e_f"g'hi<j>klmnopqr`;
  const body = encoder.encode(`{"echo":"${encode(text)}"}`);
  for (let at = 0; at <= body.length; at += 1) {
    const shown = scrub(text, [body.subarray(0, at), body.subarray(at)]);
    expect([at, shown]).toEqual([at, `{"echo":"${MARK}s]"}`]);
  }
});

it.each(['%4', '\\u004', '\\', '&#x', '\\u0026#', '%%4', '\\\\\\'])(
  'lets %s before a secret not swallow its first bytes',
  (opening) => {
    for (const text of ['1a/bcdef=ghijklm', 'n"bcdef/ghijklmno', '4;bcdef+ghijklmno']) {
      for (const encode of [(plain: string) => plain, ...Object.values(ENCODERS)]) {
        expect(scrub(text, [encoder.encode(`<${opening}${encode(text)}>`)])).toContain(MARK);
      }
    }
  },
);

it('passes an event as soon as it is complete', () => {
  const { push } = openScrubber([{ name: 's', text: 'aB/c+d=e_fghijklm' }], () => undefined).body();
  const event = 'data: {"a":"x & y 50% \\\\"}\n\n';
  expect(new TextDecoder().decode(push(encoder.encode(event)))).toBe(event);
});

it('reads a run of backslashes once, not in all its readings', () => {
  const body = `abcdef${'\\'.repeat(3_000)}`;
  expect(scrub(`abcdef${'\\'.repeat(40)}x`, [encoder.encode(body)])).toBe(body);
});
