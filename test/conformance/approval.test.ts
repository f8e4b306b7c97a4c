import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { verifyRun } from '../../src/audit/run.ts';
import { signaturesOf } from '../support/verify-log.ts';
import { ApprovalRequired, createAgent } from '../../src/client/index.ts';
import { bind, bound } from './support/bound.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { expectOk, expectProblem } from './support/expect-answer.ts';
import { grantedAgent, MONTHLY_POLICY } from './support/grant.ts';
import { agentIntent, digestOf, retryKey, signPaidIntent } from './support/intent.ts';
import { type CommandAnswer, listAll, manage, okJson } from './support/manage.ts';
import { callRaw, endpointOf, payBound, translateByMcp } from './support/mcp.ts';
import { kindOf } from './support/offer.ts';
import { transfersFrom, trustedAccount } from './support/payment.ts';
import { lookup, report, translate, useWorld } from './support/world.ts';

const world = useWorld({
  variables: { OPERATORS: people.operator.address, DEFAULT_POLICY: MONTHLY_POLICY },
});
const operator = privateKeyToAccount(people.operator.privateKey);

/** Below the price of `translate`, $0.02, and of `report`, $0.05; above that of `lookup`. */
const ASKING = { approveAbove: '$0.01' };

let owner: LocalAccount;
let agent: LocalAccount;
beforeAll(async () => {
  owner = await creditedAccount(world(), { credit: 3_000_000n, balance: 1_000n });
  ({ agent } = await grantedAgent(world(), owner));
  const params = { account: accountOf(agent.address) };
  await okJson(manage(world(), owner, 'account.policy.put', { params, body: ASKING }));
});

const PATIENCE = { timeout: 30_000, interval: 500 };

const waitingOf = async (by: LocalAccount, account: string, state = 'waiting') =>
  await listAll(world(), by, 'account.approvals', { params: { account }, query: { state } });

const decide = (
  by: LocalAccount,
  route: 'account.approve' | 'account.refuse' | 'approvals.approve' | 'approvals.refuse',
  account: string,
  call: string,
): Promise<Response> =>
  manage(world(), by, route, {
    params: { account, call },
    ...(route.endsWith('refuse') ? { body: { reason: 'too dear' } } : {}),
  });

/** Sends a call paid from the owner's credit that must wait for approval, and returns functions that repeat it. */
const waitingCall = async () => {
  const signed = await signPaidIntent(world(), agent, translate);
  const problem = await expectProblem(world().send(translate, agentIntent(signed)), 403);
  expect(kindOf(problem)).toBe('approval-required');
  const call = digestOf(signed.intent);
  return {
    problem,
    call,
    repeat: () => world().send(translate, { ...agentIntent(signed), ...retryKey(signed.intent) }),
    bare: () => world().send(translate, agentIntent(signed)),
  };
};

describe('a call that a person must approve', () => {
  it('waits, is listed, and runs once after the owner has signed', async () => {
    const account = accountOf(agent.address);
    await expectOk(world().send(lookup, agentIntent(await signPaidIntent(world(), agent, lookup))));
    const { translate: before } = await world().counts();
    const { problem, call, repeat, bare } = await waitingCall();
    expect(problem).toMatchObject({
      call,
      approval: `${world().stack.description.audience}/calls/${call}`,
      ...{ approval_state: 'waiting', retry_after: 5, retry_allowed: true },
      ...{ account, above: '10000', price: '20000', tool: 'translate' },
    });
    for (const [by, root] of [
      [owner, accountOf(owner.address)],
      [agent, account],
    ] as const) {
      await expect
        .poll(async () => (await waitingOf(by, root)).map((item) => item['call']), PATIENCE)
        .toContain(call);
    }
    const [item] = await listAll(world(), operator, 'approvals.list');
    expect(item).toMatchObject({
      ...{ account, call, state: 'waiting', tool: 'translate', price: '20000', above: '10000' },
      ...{ asked: account, approver: accountOf(owner.address) },
    });
    // Only the owner's key can approve: the agent itself is rejected, and so is the owner on the operator's route.
    expect((await decide(agent, 'account.approve', account, call)).status).toBe(403);
    expect((await decide(owner, 'approvals.approve', account, call)).status).toBe(403);
    expect(kindOf(await expectProblem(repeat(), 403))).toBe('approval-required');

    const outcome = await okJson<CommandAnswer>(decide(owner, 'account.approve', account, call));
    expect(outcome.changed).toBe(true);
    expect(kindOf(await expectProblem(decide(owner, 'account.approve', account, call), 409))).toBe(
      'not-writable',
    );
    expect(kindOf(await expectProblem(bare(), 409))).toBe('already-used');
    expect((await world().counts()).translate).toBe(before);
    const answers = await Promise.all([repeat(), repeat(), repeat()]);
    // A repeat that arrives while the call runs is rejected; a later one gets the stored answer.
    const served = answers.filter(({ status }) => status === 200);
    expect(served.length).toBeGreaterThan(0);
    expect(new Set(await Promise.all(served.map((answer) => answer.text()))).size).toBe(1);
    for (const { status } of answers) expect([200, 409]).toContain(status);
    expect((await world().counts()).translate).toBe((before ?? 0) + 1);

    await expect
      .poll(async () => (await waitingOf(owner, accountOf(owner.address), 'used'))[0], PATIENCE)
      .toMatchObject({ call, decided_by: accountOf(owner.address), decided_role: 'owner' });
    await expect
      .poll(() => world().audit.call(call), PATIENCE)
      .toMatchObject({ state: 'committed', charged: 20_000 });
  });

  it('is proved by the log: the signature of the decision names this call', async () => {
    const account = accountOf(agent.address);
    const entries = (await world().audit.entries(account)).slice();
    expect(verifyRun(entries).ok).toBe(true);
    expect((await signaturesOf(entries)).first).toBeUndefined();
    const at = entries.findIndex(({ type }) => type === 'call.approved');
    const approved = entries[at];
    if (approved === undefined) throw new Error('no approval');
    const { openCommands } = await import('../../src/audit/verify/signed-command.ts');
    // The chain is open: without the parent's log the check cannot tell who the account's ancestors are. Other tests check that.
    const check = (entry: typeof approved) => openCommands(false).checkApproval(entry);
    expect(check(approved).ok).toBe(true);
    const other = `0x${'77'.repeat(32)}` as const;
    for (const forged of [
      { ...approved, call: other },
      { ...approved, decision: 'refused' },
      { ...approved, account: accountOf(owner.address) as typeof approved.account },
      { ...approved, evidence: { ...approved.evidence, by: account } },
      { ...approved, evidence: { ...approved.evidence, role: 'operator' } },
    ]) {
      expect(check(forged).ok).toBe(false);
    }
  });

  it('is released by a refusal of an operator, and never runs', async () => {
    const account = accountOf(agent.address);
    const { call, repeat } = await waitingCall();
    await okJson(decide(operator, 'approvals.refuse', account, call));
    expect(kindOf(await expectProblem(repeat(), 409))).toBe('already-used');
    await expect
      .poll(() => world().audit.call(call), PATIENCE)
      .toMatchObject({ state: 'released', charged: 0, reason: 'refused' });
    expect(
      await okJson(manage(world(), owner, 'account.approval', { params: { account, call } })),
    ).toMatchObject({ state: 'refused', decided_role: 'operator', reason: 'too dear' });
  });

  it('moves no money of an upfront tool before the approval', async () => {
    const payer = await trustedAccount(world(), { reports: 1, balance: 200_000n });
    const account = accountOf(payer.address);
    const params = { account };
    await okJson(manage(world(), operator, 'accounts.policy.put', { params, body: ASKING }));
    const payment = await bind(world(), payer, report);
    const moved = await transfersFrom(world(), payer.address);
    expect(kindOf(await expectProblem(world().send(report, bound(payment)), 403))).toBe(
      'approval-required',
    );
    expect(await transfersFrom(world(), payer.address)).toEqual(moved);
    const call = digestOf(payment.intent);
    await okJson(decide(operator, 'approvals.approve', account, call));
    await expectOk(world().send(report, { ...bound(payment), ...retryKey(payment.intent) }));
    expect(await transfersFrom(world(), payer.address)).toEqual([...moved, 50_000n]);
  });

  it('is continued by the client, over HTTP and over MCP', async () => {
    const payer = await trustedAccount(world(), { reports: 1, balance: 200_000n });
    const account = accountOf(payer.address);
    const params = { account };
    await okJson(manage(world(), operator, 'accounts.policy.put', { params, body: ASKING }));
    const { gateway, audience } = world().stack.description;
    const paying = createAgent({
      account: payer,
      spend: { perCall: '$0.05', total: '$1' },
      audiences: { [new URL(gateway).origin]: audience },
    });
    const { path, method, body, contentType = '' } = translate;
    const error = await paying
      .fetch(`${gateway}${path}`, {
        ...{ method: method ?? 'POST', body: body ?? '' },
        headers: { 'Content-Type': contentType },
      })
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof ApprovalRequired)) throw new Error('not parked', { cause: error });
    await okJson(decide(operator, 'approvals.approve', account, error.approval.call));
    const answer = await error.approval.resume();
    expect(answer.status).toBe(200);
    expect(answer.countersign.charged).toBe(20_000n);
    expect(paying.spending()).toMatchObject({ signed: 20_000n, charged: 20_000n });

    const { intent, ...payment } = await payBound(world(), payer, translateByMcp);
    const { result } = await callRaw(world(), translateByMcp, { 'x402/payment': payment });
    expect(result).toMatchObject({
      isError: true,
      structuredContent: { type: 'urn:countersign:problem:approval-required' },
      _meta: {
        'countersign/approval': { state: 'waiting', url: expect.stringContaining('/calls/') },
      },
    });
    expect(result?.content[0]?.text).toContain('wait for a person');
    await okJson(decide(operator, 'approvals.refuse', account, digestOf(intent)));

    const client = await paying.mcp(endpointOf(world()).href);
    const overMcp = await client
      .callTool({ name: 'translate', arguments: { text: 'good night', to: 'fr' } })
      .catch((thrown: unknown) => thrown);
    if (!(overMcp instanceof ApprovalRequired)) throw new Error('not parked', { cause: overMcp });
    await okJson(decide(operator, 'approvals.approve', account, overMcp.approval.call));
    expect((await overMcp.approval.resume()).status).toBe(200);
    await client.close();
  });
});
