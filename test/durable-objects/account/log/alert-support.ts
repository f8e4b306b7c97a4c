import type { Hex } from '../../../../src/core/hex.ts';
import type { Call } from '../../../../src/protocol/account/call.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { callOf, entriesOf, factsOf, randomHex, stubOf, success } from '../../support.ts';
import { LONG } from '../../tree-support.ts';
import { expect } from 'vitest';

export const alertsOf = async (payer: Hex, rule?: AlertBody['rule']): Promise<Entry[]> =>
  (await entriesOf(payer)).filter(
    (entry) => entry.type === 'alert.raised' && (rule === undefined || entry.rule === rule),
  );

export const detailsOf = async (payer: Hex, rule: AlertBody['rule']) =>
  (await alertsOf(payer, rule)).map(({ outcome }) => outcome);

export const day = (limit: string, more: object = {}) => ({
  windows: [{ every: LONG, limit: `${limit}u` }],
  ...more,
});

/** A deferred call whose tool succeeded and whose payment is not settled yet. */
export const unsettled = async (payer: Hex): Promise<Call> => {
  const call = callOf(payer);
  const attempt = randomHex(16);
  const facts = factsOf(10_000_000n);
  expect((await stubOf(payer).reserve(call, attempt, { facts })).verdict).toBe('go');
  await stubOf(payer).finish(call.id, attempt, success);
  return call;
};
