import { expect, it } from 'vitest';
import { buildAutomaton } from '../../../src/vault/automaton.ts';
import { openScanner } from '../../../src/vault/scanner.ts';
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

it.each([
  ['without its padding', (text: string) => text.replaceAll('=', '')],
  ['in the alphabet of URLs', (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')],
  [
    'as a token of a URL',
    (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
  ],
])('finds a secret that is base64, written %s', (_, write) => {
  const text = 'q83v+jRW/Jq83v/jRWeA==';
  expect(scrub(text, [encoder.encode(`<${write(text)}>`)])).toMatch(/^<\[secret:s\](?:==)?>$/);
});

const SECRET = 'aB/c+d=e_fghijklm';

it('passes an event as soon as it is complete', () => {
  const { push } = openScrubber([{ name: 's', text: SECRET }], () => undefined).events();
  const event = 'data: {"a":"x & y 50% \\\\"}\n\n';
  expect(new TextDecoder().decode(push(encoder.encode(event)))).toBe(event);
});

it.each(['body', 'events'] as const)(
  'lets a pause of %s not tell a prefix of the secret from other text',
  (kind) => {
    for (const before of ['', 'data: 1\n\n', 'x'.repeat(5_000)]) {
      const lengths = [SECRET.slice(0, 9), btoa(SECRET).slice(0, 9), 'zzzzzzzzz'].map((guess) => {
        const { push } = openScrubber([{ name: 's', text: SECRET }], () => undefined)[kind]();
        return push(encoder.encode(before + guess)).length;
      });
      expect(new Set(lengths).size).toBe(1);
    }
  },
);

it('finds a secret in the bytes of a header, in UTF-8 and in ISO-8859-1', () => {
  const { text } = openScrubber([{ name: 's', text: 'clé-secrète-123' }], () => undefined);
  expect(text('<clé-secrète-123>')).toBe('<[secret:s]>');
  expect(text(`<${Buffer.from('clé-secrète-123').toString('latin1')}>`)).toBe('<[secret:s]>');
  expect(text('ключ <clé-secrète-123>')).toBe('ключ <[secret:s]>');
});

const stepsOf = (text: string, body: string): number => {
  const scanner = openScanner(
    buildAutomaton([{ bytes: encoder.encode(text), of: { name: 's', text } }]),
  );
  scanner.feed(encoder.encode(body));
  scanner.end();
  return scanner.steps();
};

it.each(['%73%6b', '%25', '%2573', '\\u0073k', '&#115;&#107;', '%73k-l'])(
  'takes a bounded number of steps for each byte of %s',
  (unit) => {
    const body = unit.repeat(20_000);
    expect(stepsOf('sk-live-4f9a%s/B%c0d_1', body) / body.length).toBeLessThan(4);
  },
);

it('fails closed for a text that takes too many steps', () => {
  const periodic = 'abcdefgh'.repeat(512);
  const body = encoder.encode(
    periodic.replace(/./g, (each) => `%${Buffer.from(each).toString('hex')}`).repeat(2),
  );
  const scrubber = openScrubber([{ name: 's', text: periodic }], () => undefined);
  expect(() => scrubber.body().push(body)).toThrow('too many steps');
  expect(() => scrubber.answerTo([body])).toThrow('too many steps');
});

it('reads a run of backslashes once, not in all its readings', () => {
  const body = `abcdef${'\\'.repeat(3_000)}`;
  expect(scrub(`abcdef${'\\'.repeat(40)}x`, [encoder.encode(body)])).toBe(body);
});
