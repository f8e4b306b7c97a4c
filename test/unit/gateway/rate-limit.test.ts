import { expect, test } from 'vitest';
import { clientOf, payerKey } from '../../../src/gateway/rate-limit.ts';

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::2', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('the rate limiter counts %s as %s', (address, client) => {
  expect(clientOf(new Headers({ 'CF-Connecting-IP': address }))).toBe(client);
});

test('the rate limiter separates Workers of other zones by their zone, because they share one address', () => {
  const worker = (zone: string) =>
    clientOf(new Headers({ 'CF-Connecting-IP': '2a06:98c0:3600::103', 'CF-Worker': zone }));
  expect(worker('one.example')).toBe('2a06:98c0:3600:0 one.example');
  expect(worker('ONE.example')).toBe(worker('one.example'));
  expect(worker('two.example')).not.toBe(worker('one.example'));
  expect(worker('z'.repeat(9_000))).toHaveLength(17 + 253);
});

test('a client cannot change its key with CF-Worker', () => {
  for (const address of ['203.0.113.7', '2a06:98c0:3601::103', '2001:db8::1']) {
    const headers = { 'CF-Connecting-IP': address };
    expect(clientOf(new Headers({ ...headers, 'CF-Worker': 'one.example' }))).toBe(
      clientOf(new Headers(headers)),
    );
  }
});

test('a payer has separate counts for look-ups and replays, apart from those of clients', () => {
  const payer = `eip155:84532:0x${'11'.repeat(20)}` as const;
  const keys = new Set([payerKey('facts', payer), payerKey('repeat', payer), payer]);
  expect(keys.size).toBe(3);
});

test('requests without an address share one count', () => {
  expect(clientOf(new Headers())).toBe('unknown');
});
