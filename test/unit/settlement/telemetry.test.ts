import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openEmit } from '../../../src/settlement/telemetry.ts';
import type { SettlementEvent } from '../../../src/settlement/telemetry.ts';

const network = 'eip155:84532';
const EVENTS: readonly SettlementEvent[] = [
  { event: 'payment_accepted', network, amount: 20_000n },
  { event: 'payment_settled', network, amount: 20_000n, age: 6 },
  { event: 'payment_failed', network, amount: 20_000n, age: 3_700 },
  { event: 'payment_released', network, amount: 20_000n },
  { event: 'backend_answered', network, backend: 'x402.example', ok: true, milliseconds: 80 },
  {
    ...{ event: 'backend_answered', network, backend: 'relayer', ok: false, milliseconds: 9 },
    error: 'insufficient_gas',
  },
  { event: 'backend_circuit', network, backend: 'x402.example', state: 'open' },
  { event: 'backend_circuit', network, backend: 'x402.example', state: 'closed' },
  { event: 'backend_rejects_bound', network, backend: 'x402.example', error: 'valid_after' },
  { event: 'relay_mined', network, payments: 3, gasUsed: 190_000n, fee: 19_000_000_000_001n },
];

const points: AnalyticsEngineDataPoint[] = [];
const METRICS = {
  writeDataPoint: (point?: AnalyticsEngineDataPoint) => void points.push(point ?? {}),
};

const lines: { readonly level: string; readonly said: unknown }[] = [];
beforeEach(() => {
  points.length = 0;
  lines.length = 0;
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(
      (said: unknown) => void lines.push({ level, said }),
    );
  }
});
afterEach(() => void vi.restoreAllMocks());

describe('a data point', () => {
  test('is written for each event, in a fixed order of columns', () => {
    const observe = openEmit({ METRICS });
    for (const event of EVENTS) observe(event);
    expect(
      points.map(({ indexes, blobs, doubles }) => [indexes, ...(blobs ?? []), ...(doubles ?? [])]),
    ).toEqual([
      [['payment_accepted'], 'payment_accepted', network, '', '', '', 20_000, -1, -1, 0, 0, 0],
      [['payment_settled'], 'payment_settled', network, '', '', '', 20_000, 6, -1, 0, 0, 0],
      [['payment_failed'], 'payment_failed', network, '', '', '', 20_000, 3_700, -1, 0, 0, 0],
      [['payment_released'], 'payment_released', network, '', '', '', 20_000, -1, -1, 0, 0, 0],
      [
        ...[['backend_answered'], 'backend_answered', network, 'x402.example', 'ok', ''],
        ...[0, -1, 80, 0, 0, 0],
      ],
      [
        ...[['backend_answered'], 'backend_answered', network, 'relayer', 'error'],
        ...['insufficient_gas', 0, -1, 9, 0, 0, 0],
      ],
      [
        ...[['backend_circuit'], 'backend_circuit', network, 'x402.example', 'open', ''],
        ...[0, -1, -1, 0, 0, 0],
      ],
      [
        ...[['backend_circuit'], 'backend_circuit', network, 'x402.example', 'closed', ''],
        ...[0, -1, -1, 0, 0, 0],
      ],
      [
        ...[['backend_rejects_bound'], 'backend_rejects_bound', network, 'x402.example', ''],
        ...['valid_after', 0, -1, -1, 0, 0, 0],
      ],
      [
        ...[['relay_mined'], 'relay_mined', network, '', '', ''],
        ...[0, -1, -1, 3, 190_000, 19_000_000_000_001],
      ],
    ]);
  });

  test('stays within the limits of a dataset, whatever the name of a backend', () => {
    openEmit({ METRICS })({
      ...{ event: 'backend_answered', network, backend: 'x'.repeat(90_000), ok: false },
      ...{ milliseconds: 1, error: 'y'.repeat(90_000) },
    });
    const [point] = points;
    expect(point?.blobs?.length).toBeLessThanOrEqual(20);
    expect(point?.doubles?.length).toBeLessThanOrEqual(20);
    expect(point?.blobs?.map(String).join('').length).toBeLessThan(1_000);
    expect(point?.indexes).toEqual(['backend_answered']);
  });
});

describe('a log line', () => {
  test('is written as JSON for events that an operator may act on', () => {
    const emit = openEmit({ METRICS });
    for (const event of EVENTS) emit(event);
    expect(lines.map(({ level, said }) => [level, JSON.parse(JSON.stringify(said))])).toEqual([
      ['warn', { event: 'payment_failed', network, amount: '20000', age: 3_700 }],
      [
        'warn',
        {
          ...{ event: 'backend_answered', network, backend: 'relayer', ok: false },
          ...{ milliseconds: 9, error: 'insufficient_gas' },
        },
      ],
      ['warn', { event: 'backend_circuit', network, backend: 'x402.example', state: 'open' }],
      ['log', { event: 'backend_circuit', network, backend: 'x402.example', state: 'closed' }],
      [
        'error',
        {
          ...{ event: 'backend_rejects_bound', network, backend: 'x402.example' },
          error: 'valid_after',
        },
      ],
      [
        'log',
        { event: 'relay_mined', network, payments: 3, gasUsed: '190000', fee: '19000000000001' },
      ],
    ]);
  });
});

test('never throws if points cannot be written', () => {
  const full = {
    writeDataPoint: () => {
      throw new Error('too many points');
    },
  };
  const observe = openEmit({ METRICS: full });
  for (const event of EVENTS) expect(() => observe(event)).not.toThrow();
});
