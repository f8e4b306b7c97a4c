import { expect, test } from 'vitest';
import { clientOf } from '../../../src/gateway/client.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::2', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('the shield counts %s as %s', (address, client) => {
  expect(clientOf(new Headers({ 'CF-Connecting-IP': address }))).toBe(client);
});

test('a request without an address is counted with all others like it', () => {
  expect(clientOf(new Headers())).toBe('unknown');
});
