import { expect, it } from 'vitest';
import { entryName } from '../../../../src/protocol/log/entry-types.ts';

it.each([
  ['account.policy', 'budget changed'],
  ['grant.taken', 'grant received'],
  ['call.parked', 'call waits for a person'],
  ['call.denied', 'call denied'],
  ['payment.settled', 'payment settled'],
  ['card.charged_back', 'card charged back'],
] as const)('names an entry of type %s in words: %s', (type, name) => {
  expect(entryName(type)).toBe(name);
});
