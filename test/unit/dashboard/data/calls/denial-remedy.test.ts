import { expect, it } from 'vitest';
import { denialRemedy } from '../../../../../src/dashboard/data/calls/denial-remedy.ts';

const account = 'eip155:8453:0x1111111111111111111111111111111111111111';
const owner = 'eip155:8453:0x2222222222222222222222222222222222222222';

it('leads to the grants of the agent for a limit of its grant', () => {
  const outcome = { limit: { rule: 'grant:window:86400s' } };
  expect(denialRemedy({ rule: 'window', outcome, account })?.href).toBe(
    `/agents/${account}?tab=grants`,
  );
});

it('leads to the budget of the account whose limit denied the call', () => {
  const outcome = { account: owner, limit: { rule: 'owner:window:day' } };
  expect(denialRemedy({ rule: 'window', outcome, account })?.href).toBe(
    `/agents/${owner}?tab=budget`,
  );
});

it('leads to the status of a frozen account', () => {
  expect(denialRemedy({ rule: 'frozen', outcome: {}, account })?.href).toBe(`/agents/${account}`);
});

it.each(['credit', 'debt'])('leads to the page that sells credit for the rule %s', (rule) => {
  expect(denialRemedy({ rule, outcome: {}, account })?.href).toBe(`/agents/${account}`);
});

it('leads nowhere for a payer without money', () => {
  expect(denialRemedy({ rule: 'penniless', outcome: {}, account })).toBeUndefined();
});
