import { expect, test } from 'vitest';
import { labelShown, nameOf } from '../../../../src/dashboard/format/text.ts';

const ACCOUNT = 'eip155:84532:0x06a3000000000000000000000000000000003377';

test.each([
  ['Crawler', 'Crawler'],
  ['\u202eevil\u2066', 'evil'],
  ['\u200fevil\u061c', 'evil'],
  ['a\u0085b', 'a\ufffdb'],
])('shows the label %j as %j', (label, text) => {
  expect(labelShown(label)).toBe(text);
  expect(nameOf(ACCOUNT, label)).toBe(text);
});

test.each([undefined, '', '   ', '\u202e\u2069', '\u200b\u200d', '\u0090'])(
  'shows the address where the label %j has nothing to see',
  (label) => {
    expect(labelShown(label)).toBeUndefined();
    expect(nameOf(ACCOUNT, label)).toBe('0x06a3…3377');
  },
);
