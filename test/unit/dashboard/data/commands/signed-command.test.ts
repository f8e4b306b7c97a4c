import { describe, expect, it } from 'vitest';
import { subjectOf } from '../../../../../src/dashboard/data/commands/command-words.ts';
import {
  readCommand,
  slotOf,
  slotOfSigning,
} from '../../../../../src/dashboard/data/commands/signed-command.ts';
import { countersigned, delegationTypedData } from '../../../../../src/client/signer.ts';
import type { Hex } from '../../../../../src/core/hex.ts';
import { addressIn } from '../../../../../src/dashboard/format/text.ts';
import { delegationBodyOf } from '../../../../../src/protocol/intent/signed-document.ts';
import { DELEGATION } from '../../../protocol/intent/wire.ts';
import { AGENT_INTENT_TYPE } from '../../../../../src/protocol/intent/agent-intent.ts';
import { CHAIN, GATEWAY, NOW, REFUND, storedCommand, walletOf } from './commands.ts';

const read = async (value: unknown) => readCommand(value, walletOf('aa'), GATEWAY);

const signing = (method: string, target: string) =>
  countersigned(AGENT_INTENT_TYPE, { method, target }, CHAIN);

describe('a stored command', () => {
  it('says of itself what its proof says', async () => {
    const command = await read(await storedCommand());
    expect(command).toMatchObject({
      account: walletOf('aa'),
      tool: 'countersign.admin.calls.refund',
      until: NOW + 210,
    });
  });

  it('of a wallet that another one reads is none', async () => {
    expect(await readCommand(await storedCommand(), walletOf('bb'), GATEWAY)).toBeUndefined();
  });

  it.each([
    ['another body', { body: '{"amount":"500","reason":"wrong"}' }],
    ['another target', { target: '/admin/calls/x/y/refund' }],
    ['another method', { method: 'PUT' }],
    ['a method that no kept command has', { method: 'DELETE' }],
    ['another gateway', { gateway: 'https://other.example' }],
    ['a header more', { headers: { cookie: 'a' } }],
    ['no proof', { headers: {} }],
    ['a member more', { extra: 1 }],
    ['another version', { v: 2 }],
    ['a target at another host', { target: 'x.example/' }],
    ['no time', { sentAt: 'today' }],
  ])('with %s than was signed is none', async (_, change) => {
    expect(await read({ ...(await storedCommand()), ...change })).toBeUndefined();
  });

  it('whose intent is for another audience is none', async () => {
    expect(await read(await storedCommand({ audience: 'https://other.example' }))).toBeUndefined();
  });

  it.each(['account.status', 'tools.put', 'secrets.put', 'account.webhooks.put'])(
    'is never a PUT, which would undo a newer one and may hold a secret: %s',
    async (route) => {
      const tool = `countersign.admin.${route}`;
      expect(await read(await storedCommand({ tool, method: 'PUT' }))).toBeUndefined();
    },
  );

  it.each([
    ['account.approve', '/accounts/a/approvals/b/approve'],
    ['approvals.refuse', '/admin/approvals/a/b/refuse'],
  ])('names a decision about a call that waits: %s', async (route, target) => {
    const tool = `countersign.admin.${route}`;
    const command = await read(await storedCommand({ tool, target, body: '{}' }));
    if (command === undefined) throw new Error('not a command');
    expect(subjectOf(command).name).toBe('A decision about a call that waits for approval');
  });

  it.each([undefined, null, 'text', 7, [], {}])('is not %j', async (value) => {
    expect(await read(value)).toBeUndefined();
  });

  it('names the refund, its call and its amount', async () => {
    const command = await read(await storedCommand());
    if (command === undefined) throw new Error('not a command');
    expect(subjectOf(command)).toMatchObject({
      route: 'calls.refund',
      name: 'A refund',
      account: `eip155:84532:0x${'cc'.repeat(20)}`,
      call: `0x${'dd'.repeat(32)}`,
      amount: 400n,
    });
  });

  it('has the slot of the same POST, and of no other signature', async () => {
    const command = await read(await storedCommand());
    if (command === undefined) throw new Error('not a command');
    expect(slotOfSigning(signing('POST', REFUND))).toBe(slotOf(command));
    expect(slotOfSigning(signing('POST', `${REFUND}/other`))).not.toBe(slotOf(command));
    expect(slotOfSigning(signing('PUT', REFUND))).not.toBe(slotOf(command));
  });

  it('that is a grant has the slot of each grant for its agent', async () => {
    const delegation = {
      ...DELEGATION,
      issuer: addressIn(walletOf('aa')) as Hex,
      audience: GATEWAY,
    };
    const body = delegationBodyOf({
      chainId: CHAIN,
      delegation,
      signature: `0x${'11'.repeat(65)}`,
    });
    const command = await read({
      ...(await storedCommand({ method: 'PUT', target: '/delegations' })),
      ...{ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    });
    if (command === undefined) throw new Error('not a command');
    const granting = (delegate: Hex) =>
      slotOfSigning(delegationTypedData({ ...delegation, delegate }, CHAIN));
    expect(granting(delegation.delegate)).toBe(slotOf(command));
    expect(granting(`0x${'ee'.repeat(20)}`)).not.toBe(slotOf(command));
  });
});
