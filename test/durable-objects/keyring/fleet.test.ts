import { expect, it } from 'vitest';
import { agentKey } from '../../../src/client/agent-key.ts';
import type { Address } from '../../../src/core/hex.ts';
import { ask, askPayment, entriesOf, intentOf, newOwner, outcomeOf, POLICY } from './world.ts';

/** Allows every signature of this file. */
const WIDE = { ...POLICY, windows: [{ every: 'month', limit: '$10000' }] };

it('enrols a fleet of 1,000 in one command, and the last of them signs', async () => {
  const owner = newOwner();
  const keys = await Promise.all(Array.from({ length: 1_000 }, () => agentKey()));
  const body = { agents: keys.map(({ jwk }) => ({ jwk })), policy: WIDE };
  const { agents } = await owner.command<{ agents: { address: Address }[] }>('agents.enrol', body);
  expect(new Set(agents.map(({ address }) => address)).size).toBe(1_000);
  const enrolled = (await entriesOf(owner)).filter(({ type }) => type === 'signer.enrolled');
  expect(enrolled).toHaveLength(5);

  const last = {
    owner,
    key: keys[999] as (typeof keys)[0],
    address: agents[999]?.address as Address,
  };
  expect(outcomeOf(await ask(last, 'eth_accounts'))).toEqual([last.address]);
  expect(outcomeOf(await askPayment(last, intentOf(last)))).toMatch(/^0x/);
});

it('stops an agent that asks too often, without writing', async () => {
  const owner = newOwner();
  const key = await agentKey();
  const { agents } = await owner.command<{ agents: { address: Address }[] }>('agents.enrol', {
    agents: [{ jwk: key.jwk }],
    policy: POLICY,
  });
  const agent = { owner, key, address: agents[0]?.address as Address };
  const sent = await Promise.all(
    Array.from({ length: 130 }, () => ask(agent, 'personal_sign', '0x00')),
  );
  expect(
    sent.filter((one) => outcomeOf(one) === 'too-many-requests').length,
  ).toBeGreaterThanOrEqual(8);
  const refused = (await entriesOf(owner)).filter(({ type }) => type === 'signer.refused');
  expect(refused.length).toBeLessThanOrEqual(122);
});
