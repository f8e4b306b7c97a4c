import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  afterFault,
  afterUndecided,
  afterSuccess,
  beginProbe,
  type Circuit,
  CLOSED,
  type Alternatives,
  dueAt,
  availabilityOf,
} from '../../../../src/settlement/backends/circuit.ts';

const faults = (count: number, now: number, from: Circuit = CLOSED): Circuit =>
  Array.from({ length: count }).reduce<Circuit>(
    (circuit) => afterFault(circuit, now, 'others'),
    from,
  );
/** Lets the pause end and a probe fail. */
const failAgain = (circuit: Circuit): Circuit =>
  afterFault(beginProbe(circuit, circuit.until), circuit.until, 'others');

test('opens after three faults in a row, not after two, and a success in between resets the count', () => {
  expect(availabilityOf(faults(2, 100), 100, 'others')).toBe('up');
  const after = afterSuccess(faults(2, 100));
  expect(availabilityOf(faults(2, 100, after), 100, 'others')).toBe('up');
  expect(availabilityOf(faults(3, 100, after), 100, 'others')).toBe('down');
});

test('opens after half of twenty results are faults, although a success follows each', () => {
  let circuit = CLOSED;
  for (let at = 0; at < 9; at += 1) circuit = afterSuccess(afterFault(circuit, 100, 'others'));
  expect(circuit.state).toBe('closed');
  expect(afterFault(circuit, 100, 'others').state).toBe('open');
  // A failure rate of a third does not open the circuit.
  circuit = CLOSED;
  for (let at = 0; at < 50; at += 1) {
    circuit = afterSuccess(afterSuccess(afterFault(circuit, 100, 'others')));
  }
  expect(circuit.state).toBe('closed');
});

test('opens alone only after ten faults in a row, whatever their share', () => {
  const alone = (count: number, from: Circuit = CLOSED): Circuit =>
    Array.from({ length: count }).reduce<Circuit>((one) => afterFault(one, 100, 'alone'), from);
  let circuit = CLOSED;
  for (let at = 0; at < 20; at += 1) circuit = afterSuccess(alone(9, circuit));
  expect(circuit.state).toBe('closed');
  expect(alone(9, circuit).state).toBe('closed');
  expect(alone(10, circuit).state).toBe('open');
});

test('doubles pauses from 5 to 300 seconds, and closes after a successful probe', () => {
  let circuit = faults(3, 100);
  const pauses = [circuit.pause];
  for (let at = 0; at < 8; at += 1) {
    circuit = failAgain(circuit);
    pauses.push(circuit.pause);
  }
  expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  expect(afterSuccess(beginProbe(circuit, circuit.until))).toEqual(CLOSED);
});

test('allows one probe at a time, and another after a minute without a report', () => {
  const open = faults(3, 100);
  expect(availabilityOf(open, 104, 'others')).toBe('down');
  expect(availabilityOf(open, 105, 'others')).toBe('probe');
  const probing = beginProbe(open, 105);
  expect(availabilityOf(probing, 106, 'others')).toBe('down');
  expect(availabilityOf(probing, 164, 'others')).toBe('down');
  expect(availabilityOf(probing, 165, 'others')).toBe('probe');
});

test('an undecided probe does not close it, but allows the next probe', () => {
  const probing = beginProbe(faults(3, 100), 105);
  const promised = afterUndecided(probing, 107);
  expect(promised.state).toBe('half_open');
  expect(availabilityOf(promised, 107, 'others')).toBe('probe');
  expect(afterUndecided(CLOSED, 107)).toEqual(CLOSED);
});

test('a presentation from before it opened neither closes it nor lengthens its pause', () => {
  const open = faults(3, 100);
  expect(afterSuccess(open)).toEqual(open);
  expect(faults(5, 101, open)).toEqual(open);
});

test('follows a requested pause at once, within bounds, and nothing shortens it', () => {
  expect(afterFault(CLOSED, 100, 'others', 20)).toMatchObject({ state: 'open', until: 120 });
  expect(afterFault(CLOSED, 100, 'others', 0).until).toBe(105);
  expect(afterFault(CLOSED, 100, 'others', 86_400).until).toBe(400);
  const open = faults(3, 100);
  expect(afterFault(open, 101, 'others', 20).until).toBe(121);
  expect(afterFault(afterFault(CLOSED, 100, 'others', 200), 101, 'others', 20).until).toBe(300);
  const alone = afterFault(CLOSED, 100, 'others', 60);
  expect(availabilityOf(alone, 159, 'alone')).toBe('down');
  expect(availabilityOf(alone, 160, 'alone')).toBe('probe');
});

test('is tried every 15 seconds when alone', () => {
  let circuit = faults(3, 100);
  for (let at = 0; at < 8; at += 1) circuit = failAgain(circuit);
  const opened = circuit.until - 300;
  expect(availabilityOf(circuit, opened + 14, 'alone')).toBe('down');
  expect(availabilityOf(circuit, opened + 15, 'alone')).toBe('probe');
  expect(availabilityOf(circuit, opened + 299, 'others')).toBe('down');
});

type Step = { readonly does: 'good' | 'fault' | 'open' | 'wait' | 'probe'; readonly value: number };
const step = fc.record({
  does: fc.constantFrom<Step['does'][]>('good', 'fault', 'open', 'wait', 'probe'),
  value: fc.integer({ min: 0, max: 1_000 }),
});
const company = fc.constantFrom<Alternatives[]>('others', 'alone');

test('never pauses longer than 300 seconds, never opens without faults, and closes after one successful probe', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), company, (steps, among) => {
      let circuit = CLOSED;
      let now = 1_000;
      let failed = 0;
      for (const { does, value } of steps) {
        const before = circuit;
        switch (does) {
          case 'wait':
            now += value;
            break;
          case 'probe':
            if (availabilityOf(circuit, now, among) === 'probe') circuit = beginProbe(circuit, now);
            break;
          case 'good':
            circuit = afterSuccess(circuit);
            if (before.state !== 'open') expect(circuit.state).toBe('closed');
            failed = circuit.state === 'closed' ? 0 : failed;
            break;
          case 'fault':
            circuit = afterFault(circuit, now, among, value % 3 === 0 ? value : undefined);
            failed += 1;
            break;
          case 'open':
            circuit = afterUndecided(circuit, now);
            break;
        }
        if (before.state === 'closed' && circuit.state !== 'closed') {
          expect(does).toBe('fault');
          expect(circuit.state).toBe('open');
        }
        if (circuit.state !== 'closed') {
          expect(dueAt(circuit, among)).toBeLessThanOrEqual(now + 300);
          expect(dueAt(circuit, 'alone')).toBeLessThanOrEqual(dueAt(circuit, 'others'));
          expect(failed).toBeGreaterThan(0);
        }
        expect(circuit.recent.length).toBeLessThanOrEqual(20);
        expect(circuit.pause).toBeLessThanOrEqual(300);
      }
    }),
    { numRuns: 2_000 },
  );
});
