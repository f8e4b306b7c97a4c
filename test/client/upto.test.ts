import { parseAbi, parseEther } from 'viem';
import { describe, expect, it } from 'vitest';
import { usdc, usdcBalance } from '../../dev/stack/chain-access.ts';
import { relayerVariables } from '../../dev/stack/gateway-variables.ts';
import { people } from '../../dev/stack/people.ts';
import { permit2 } from '../../dev/stack/permit2/permit2-code.ts';
import type { AgentResponse } from '../../src/client/call-report.ts';
import type { Hex } from '../../src/core/hex.ts';
import { useWorld } from '../conformance/support/world.ts';
import { meteredTools } from '../support/metered-tools.ts';
import { claimsOf, newCustomer } from './support/customer.ts';

const world = useWorld({
  toolsFile: await meteredTools(),
  variables: relayerVariables(people.relayer),
});
const url = () => `${world().stack.gateway.url}/tools/metered`;
const abi = parseAbi([
  'function approve(address spender, uint256 value) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
]);

/** Approves Permit2 with a transaction, as a wallet with gas does. */
const approvePermit2 = async (address: Hex, value: bigint): Promise<void> => {
  const { client } = world();
  await client.setBalance({ address, value: parseEther('1') });
  await client.impersonateAccount({ address });
  const hash = await client.writeContract({
    ...{ account: address, address: usdc.address, abi },
    ...{ functionName: 'approve', args: [permit2, value] },
  });
  await client.waitForTransactionReceipt({ hash });
};
const allowanceOf = async (address: Hex): Promise<bigint> =>
  await world().client.readContract({
    ...{ address: usdc.address, abi, functionName: 'allowance' },
    args: [address, permit2],
  });

const creditIn = ({ countersign }: AgentResponse): bigint | undefined =>
  countersign.limits.find(({ rule }) => rule === 'credit')?.remaining;

describe('an agent at a metered tool', () => {
  it('without allowance approves the maximum of one call and needs no gas', async () => {
    const { agent, ledger, address } = await newCustomer(world(), 1_000_000n);
    const answer = await agent.fetch(url());
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(ledger.others).toEqual(['PermitWitnessTransferFrom', 'Permit']);
    expect(ledger.transfers).toEqual([]);
    expect(answer.countersign).toMatchObject({ paid: 'payment', version: 2, binding: 'intent' });
    expect(claimsOf(answer)).toMatchObject({
      tool: 'metered',
      agent: `eip155:84532:${address.toLowerCase()}`,
    });
    const { charged } = answer.countersign;
    // The first payment of a payer settles before the call, with the maximum.
    expect(await usdcBalance(world().client, address)).toBe(980_000n);
    expect(await allowanceOf(address)).toBe(0n);
    expect(creditIn(answer)).toBe(20_000n - charged);
  });

  it('without allowance makes calls at once, one approval after the other', async () => {
    const { agent, address } = await newCustomer(world(), 1_000_000n);
    const answers = await Promise.all([1, 2, 3].map(async () => await agent.fetch(url())));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const charged = answers.reduce((sum, { countersign }) => sum + countersign.charged, 0n);
    const moved = 1_000_000n - (await usdcBalance(world().client, address));
    expect(moved % 20_000n).toBe(0n);
    const last = await agent.fetch(`${world().stack.gateway.url}/tools/fixed`);
    expect(last.countersign.paid).toBe('payment');
    expect(creditIn(last)).toBe(moved - charged);
  });

  it('with an allowance pays by one permit, and only the charge moves', async () => {
    const { agent, ledger, address } = await newCustomer(world(), 1_000_000n);
    // A settled payment lets later calls settle after their tool.
    await agent.fetch(`${world().stack.gateway.url}/tools/fixed`);
    await approvePermit2(address, 1_000_000n);
    const answer = await agent.fetch(url());
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(ledger.others).toEqual(['PermitWitnessTransferFrom']);
    const { charged } = answer.countersign;
    expect(charged).toBe(BigInt((await answer.arrayBuffer()).byteLength));
    expect(charged).toBeLessThan(20_000n);
    await expect
      .poll(async () => await usdcBalance(world().client, address), { timeout: 60_000 })
      .toBe(950_000n - charged);
  });

  it('pays from credit if that covers the maximum', async () => {
    const { agent, ledger } = await newCustomer(world(), 1_000_000n);
    await agent.topUp(world().stack.gateway.url, '$0.10');
    const answer = await agent.fetch(url());
    expect(answer.countersign.paid).toBe('credit');
    expect(ledger.others).toEqual([]);
  });

  it('does not sign a maximum above its cap', async () => {
    const spend = { perCall: '$0.019', total: '$1' } as const;
    const { agent, ledger } = await newCustomer(world(), 1_000_000n, { spend });
    await expect(agent.fetch(url())).rejects.toMatchObject({ code: 'over_per_call' });
    expect([ledger.others, ledger.transfers, ledger.intents]).toEqual([[], [], []]);
  });

  it('pays over MCP, too', async () => {
    const { agent, ledger } = await newCustomer(world(), 1_000_000n);
    const tools = await agent.tools(`${world().stack.gateway.url}/mcp`);
    const metered = tools.find(({ name }) => name === 'metered');
    if (metered === undefined) throw new Error('the tool is not listed');
    await metered.execute({});
    expect(ledger.others).toEqual(['PermitWitnessTransferFrom', 'Permit']);
  });
});
