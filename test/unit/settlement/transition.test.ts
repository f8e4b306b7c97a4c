import { expect, test } from 'vitest';
import type { PaymentState } from '../../../src/settlement/payment.ts';
import { type PaymentEvent, transition } from '../../../src/settlement/transition.ts';

const EVENTS: readonly PaymentEvent[] = ['succeed', 'present', 'settle', 'fail', 'release'];

/** The whole matrix, one row a state, one column an event; a dot must never happen. */
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

test('every event may repeat: a queue delivers at least once', () => {
  for (const [state] of rows) {
    for (const event of EVENTS) {
      const once = transition(state as PaymentState, event);
      if (once !== undefined) expect(transition(once, event)).toBe(once);
    }
  }
});

test('no event leads out of a final state, but for money that moved after a release', () => {
  for (const event of EVENTS) {
    expect([undefined, 'settled']).toContain(transition('settled', event));
    expect([undefined, 'failed']).toContain(transition('failed', event));
    expect(event === 'settle' ? 'settled' : [undefined, 'released']).toContain(
      transition('released', event),
    );
  }
});
