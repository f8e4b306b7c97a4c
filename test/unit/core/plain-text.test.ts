import { describe, expect, it } from 'vitest';
import { isVisible, plainText, shortText } from '../../../src/core/plain-text.ts';

describe('plainText', () => {
  it.each([
    ['line\nbreak\r\n\ttab', 'line break tab'],
    ['one\u2028two\u2029three', 'one two three'],
    ['a\u0000b\u001b[31mc\u009bd', 'a b [31mc d'],
    ['price \u202e10.0$\u202c', 'price 10.0$'],
    ['\u2066x\u2069 \u200ey\u200f \u061cz', 'x y z'],
    ['in\u200bvis\ufeffible\u2060', 'invisible'],
    ['ok\u{e0049}\u{e0067}\u{e01ef}', 'ok'],
    ['half \ud800 pair', 'half \ufffd pair'],
  ])('turns %j into %j', (text, plain) => {
    expect(plainText(text)).toBe(plain);
  });

  it('keeps scripts and emoji as they are', () => {
    for (const text of [
      'Übersetzt Wörter',
      '翻訳',
      '\u0645\u06cc\u200c\u062e',
      '👩\u200d🔬 ✔\ufe0f',
      'עברית',
    ])
      expect(plainText(text)).toBe(text);
  });
});

describe('shortText', () => {
  it.each([
    ['one  two \n three', 20, 'one two three'],
    ['exactly ten', 11, 'exactly ten'],
    ['one two three', 9, 'one two…'],
    ['ab\u{1f600}cd', 4, 'ab…'],
    ['\u202eshort', 5, 'short'],
  ])('cuts %j to %i characters', (text, limit, short) => {
    expect(shortText(text, limit)).toBe(short);
  });
});

describe('isVisible', () => {
  it.each(['Till 4', 'Müller & Söhne', '研究', 'नमस्ते', '👩‍💻 crawler ❤️', 'a'])(
    'accepts %j',
    (name) => {
      expect(isVisible(name)).toBe(true);
    },
  );

  // Each of these texts looks like "Acme", or like nothing.
  it.each([
    ...[
      'Acme\u200b',
      'Ac\u00adme',
      'Acme\u2060',
      '\u202eemcA',
      'A\u200dcme',
      'Acme\ufe0f',
      'Acme\u{e0020}',
    ],
    ...[
      'Acme\u00a0',
      'Acme ',
      ' Acme',
      'Ac  me',
      '\u3164',
      '\u2800',
      '\u115f',
      '',
      ' ',
      '\n',
      '\ud800',
      '\u0301',
    ],
  ])('rejects %j', (name) => {
    expect(isVisible(name)).toBe(false);
  });

  it('judges a long name in linear time', () => {
    expect(isVisible(`${'👩‍💻'.repeat(2_000)}\u200b`)).toBe(false);
  });
});
