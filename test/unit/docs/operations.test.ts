import { expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import page from '../../../docs/operations.md?raw';
import { LEDGER_LINES } from '../../../src/management/ledger.route.ts';
import { SETTLEMENT_STATES } from '../../../src/management/call.route.ts';
import { openEmit, type SettlementEvent } from '../../../src/settlement/telemetry.ts';
import { expectText } from './expect-text.ts';

const EVENTS = [
  'payment_accepted',
  'payment_settled',
  'payment_failed',
  'payment_released',
  'payment_facilitated',
  'backend_answered',
  'backend_circuit',
  'relay_mined',
] as const satisfies readonly SettlementEvent['event'][];

test('docs/operations.md has every line of the ledger, every state and every event', () => {
  for (const name of [...LEDGER_LINES, ...SETTLEMENT_STATES, ...EVENTS]) {
    expectText(page, `\`${name}\``);
  }
});

test('it explains each column of a point, and its queries name no other', () => {
  const points: AnalyticsEngineDataPoint[] = [];
  openEmit({ METRICS: { writeDataPoint: (point) => void points.push(point ?? {}) } })({
    ...{ event: 'payment_accepted', network: 'eip155:84532', amount: 1n },
  });
  const [{ blobs = [], doubles = [] } = {}] = points;
  const columns = [
    ...blobs.map((_, at) => `blob${at + 1}`),
    ...doubles.map((_, at) => `double${at + 1}`),
  ];
  for (const column of columns) expectText(page, `\`${column}\``);
  const named = page.match(/\b(blob|double)[0-9]+/g) ?? [];
  expect(new Set(named)).toEqual(new Set(columns));
});
