import { expect, test } from 'vitest';
import type { PaymentState } from '../../../src/protocol/payment.ts';
import { type PaymentEvent, transition } from '../../../src/settlement/transition.ts';

const EVENTS: readonly PaymentEvent[] = ['succeed', 'present', 'settle', 'fail', 'release'];

/** The whole matrix, with a row for each state and a column for each event. A dot marks an event that must never happen. */
const MATRIX = `
  none     .       .        .       .      .
  held     queued  .        settled failed released
  queued   queued  sent     settled failed .
  sent     sent    sent     settled failed .
  settled  settled settled  settled .      settled
  failed   .       failed   .       failed .
  released .       released settled released released
`;

const rows = MATRIX.trim()
  .split('\n')
  .map((row) => row.trim().split(/\s+/));

test.each(rows)('%s', (state, ...expected) => {
  const reached = EVENTS.map((event) => transition(state as PaymentState, event) ?? '.');
  expect(reached).toEqual(expected);
});

test.each(EVENTS)('%s may repeat, because a queue delivers at least once', (event) => {
  for (const [state] of rows) {
    const once = transition(state as PaymentState, event) ?? 'none';
    expect([once, undefined]).toContain(transition(once, event));
    expect(once === 'none' || transition(once, event) === once).toBe(true);
  }
});

test('leaves a final state only for money that moved after a release', () => {
  const reached = (state: PaymentState) =>
    new Set(EVENTS.map((event) => transition(state, event)).filter((one) => one !== undefined));
  expect(reached('settled')).toEqual(new Set(['settled']));
  expect(reached('failed')).toEqual(new Set(['failed']));
  expect(reached('released')).toEqual(new Set(['released', 'settled']));
});
