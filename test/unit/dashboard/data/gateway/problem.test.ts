import { expect, it } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import {
  isUnknown,
  problemOf,
  UNANSWERED,
  UnansweredError,
} from '../../../../../src/dashboard/data/gateway/problem.ts';

const refused = async (field: string, rule: string) =>
  await problemOf(
    new CountersignError('refused', `${field} ${rule}`, {
      problem: { hint: 'Correct the field and send the request again.', field },
    }),
  );

it('names a rejected filter as the page does', async () => {
  expect((await refused('query.from', 'must not be after to.')).detail).toBe(
    '“From” is after “To”.',
  );
  expect(await refused('query.tool', 'must be a tool id.')).toMatchObject({
    detail: '“Tool” must be a tool id.',
    hint: 'Correct this field, or clear it.',
  });
});

it('keeps the words of the gateway for a field that is on no page', async () => {
  expect((await refused('body.policy', 'must be an object.')).detail).toBe(
    'body.policy must be an object.',
  );
});

it('tells a request without an answer from a fault of the page', async () => {
  expect((await problemOf(new UnansweredError('The gateway did not answer.'))).type).toBe(
    UNANSWERED,
  );
  expect((await problemOf(new TypeError('x is not a function'))).type).toBeUndefined();
});

it('tells a person, not a program, what to do after an answer without a problem', async () => {
  expect(
    await problemOf(new CountersignError('refused', 'The gateway answered 503.')),
  ).toMatchObject({
    detail: 'The gateway answered 503.',
    hint: 'Try again in a moment.',
  });
  const lost = await problemOf(new CountersignError('command_lost', 'No answer arrived.'));
  expect(lost.hint).toContain('Reload the page');
});

it('treats an address that names no account as an unknown account', async () => {
  expect(isUnknown(await refused('path.account', 'must be an account.'))).toBe(true);
  expect(isUnknown(await refused('path.call', 'must be a call id.'))).toBe(false);
  expect(isUnknown(await refused('query.account', 'must be an account.'))).toBe(false);
});
