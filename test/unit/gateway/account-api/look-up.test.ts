import { callsTool } from '../../../../src/catalog/gateway-tools.ts';
import { sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import { lookUp } from '../../../../src/gateway/account-api/look-ups.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import type { LookUpVerdict } from '../../../../src/protocol/account/call-verdict.ts';
import type { CallStatus } from '../../../../src/protocol/account/call.ts';
import type { AgentIntent } from '../../../../src/protocol/intent/agent-intent.ts';
import { claimsOf, ENTRY, KEY_ACCOUNT, network, POLICY, scriptedGateway } from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
  type Who,
} from '../signing.ts';
import { describe, expect, it } from 'vitest';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

const config = vectorConfig();
const ID = `0x${'c0'.repeat(32)}` as const;
const ACCOUNT = `eip155:84532:${addressOf('agent')}` as const;

useVectorsClock();

const status: CallStatus = {
  call: ID,
  tool: 'translate',
  request: `0x${'11'.repeat(32)}`,
  binding: 'none',
  state: 'committed',
  asset: `eip155:84532/erc20:0x${'03'.repeat(20)}`,
  price: 20_000n,
  charged: 20_000n,
  paidFrom: 'payment',
  payment: 'settled',
  transaction: `0x${'77'.repeat(32)}`,
  acceptedAt: NOW - 100,
  entry: ENTRY,
  policy: POLICY,
  answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: btoa('bonjour') },
  ended: { status: 200, digest: sha256Hex(utf8('bonjour')) },
};
const found: LookUpVerdict = { verdict: 'found', status };

const requestOf = (path: string, headers: Record<string, string> = {}) =>
  new Request(`https://gw.example${path}`, { headers });

const asking = async (
  options: {
    readonly path?: string;
    readonly signedPath?: string;
    readonly fields?: Partial<AgentIntent>;
    readonly who?: Who;
  } = {},
) => {
  const { path = `/calls/${ID}`, signedPath = path, fields, who } = options;
  const seen = await observeOwn(requestOf(signedPath), config, callsTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  return requestOf(path, intentHeader(await signIntent(intentFor(seen.value, fields), who)));
};
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

describe('GET /calls/<call id>', () => {
  it('returns the state of the call to its payer, privately, with answer and receipt', async () => {
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    const answer = await lookUp(gateway, await asking());
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      call: ID,
      tool: 'translate',
      request: status.request,
      binding: 'none',
      state: 'committed',
      asset: status.asset,
      price: '20000',
      charged: '20000',
      paid_from: 'payment',
      payment: 'settled',
      transaction: status.transaction,
      accepted_at: NOW - 100,
      entry: ENTRY,
      policy: POLICY,
      answer: { status: 200, headers: { 'content-type': 'text/plain' }, body: btoa('bonjour') },
    });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      iss: 'https://gw.example',
      agent: ACCOUNT,
      tool: 'translate',
      call: ID,
      request: status.request,
      binding: 'none',
      charged: '20000',
      status: 200,
      response: sha256Hex(new TextEncoder().encode('bonjour')),
      entry: ENTRY,
    });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).not.toHaveProperty('refunded');
    expect(asked).toEqual([
      { asked: 'lookUp', of: ACCOUNT, question: { account: ACCOUNT, call: ID } },
    ]);
  });

  it('shows what operators gave back of the charge, also in the receipt', async () => {
    const { gateway } = await scriptedGateway(config, {
      lookUp: async () => ({ verdict: 'found', status: { ...status, refunded: 5_000n } }),
    });
    const answer = await lookUp(gateway, await asking());
    expect(await bodyOf(answer)).toMatchObject({ charged: '20000', refunded: '5000' });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      charged: '20000',
      refunded: '5000',
    });
  });

  it('returns no receipt of a call without an answer', async () => {
    const { answer: _, ended: _ended, transaction: _transaction, ...bare } = status;
    const { gateway } = await scriptedGateway(config, {
      lookUp: async () => ({ verdict: 'found', status: bare }),
    });
    const answer = await lookUp(gateway, await asking());
    expect(answer.headers.get('Agent-Receipt')).toBeNull();
    const body = await bodyOf(answer);
    expect(body).not.toHaveProperty('answer');
    expect(body).not.toHaveProperty('transaction');
  });

  it.each([
    '/calls/1',
    `/calls/0x${'c0'.repeat(31)}`,
    `/calls/0x${'C0'.repeat(32)}`,
    `/calls/${ID}?x=1`,
    `/calls/${ID}00`,
  ])('refuses %.20s…, which is no call id', async (path) => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await lookUp(gateway, requestOf(path));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ field: 'call' });
    expect(asked).toEqual([]);
  });

  it('challenges a caller without an intent, also one with a payment', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    for (const headers of [{}, paymentHeader(await paymentOf())]) {
      const answer = await lookUp(gateway, requestOf(`/calls/${ID}`, headers));
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toContain('tool="countersign.calls"');
      expect((await bodyOf(answer))['intent']).toMatchObject({ target: `/calls/${ID}` });
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ['in time', 29, 200],
    ['over', 30, 400],
  ])('takes an intent that is %s: it ended %i s ago', async (_, ago, expected) => {
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    const fields = { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - ago) };
    const answer = await lookUp(gateway, await asking({ fields }));
    expect(answer.status).toBe(expected);
    expect(asked).toHaveLength(expected === 200 ? 1 : 0);
    if (expected === 400)
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:expired',
        field: 'Agent-Intent.intent.validBefore',
      });
  });

  it('accepts an intent for this call id and for a look-up only', async () => {
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    const signedPath = `/calls/0x${'d0'.repeat(32)}`;
    const moved = await lookUp(gateway, await asking({ signedPath }));
    expect(await bodyOf(moved)).toMatchObject({ field: 'Agent-Intent.intent.target' });
    const borrowed = await lookUp(gateway, await asking({ fields: { tool: 'translate' } }));
    expect(await bodyOf(borrowed)).toMatchObject({ field: 'Agent-Intent.intent.tool' });
    expect(asked).toEqual([]);
  });

  it('asks only the signer’s account, so other accounts’ calls are unknown', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const fields = { agent: addressOf('owner') };
    const answer = await lookUp(gateway, await asking({ fields, who: 'owner' }));
    expect(answer.status).toBe(404);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:unknown-call' });
    expect(asked).toMatchObject([{ of: `eip155:84532:${addressOf('owner')}` }]);
  });

  it('rejects a signature of another key', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    const answer = await lookUp(gateway, await asking({ who: 'owner' }));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ fault: 'wrong_signer' });
    expect(asked).toEqual([]);
  });

  it('asks the chain nothing about a signature of the key, also of an account with code (law 13)', async () => {
    const { rpc } = network({ ...KEY_ACCOUNT, eth_getCode: '0x60' });
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    expect((await lookUp(gateway, await asking())).status).toBe(200);
    expect(asked).toMatchObject([{ question: { account: ACCOUNT, call: ID } }]);
    expect(rpc).toEqual([]);
  });

  it('asks the contract about any other signature, behind the rate limiter', async () => {
    const magic = `0x1626ba7e${'0'.repeat(56)}`;
    const contract = (answer: string) => ({
      ...KEY_ACCOUNT,
      eth_getCode: '0x60',
      eth_call: answer,
    });
    const ofAnother = () => asking({ who: 'owner', fields: { agent: addressOf('agent') } });
    const { gateway, asked } = await scriptedGateway(config, { lookUp: async () => found });
    network(contract(`0x${'0'.repeat(64)}`));
    const refused = await lookUp(gateway, await ofAnother());
    expect(await bodyOf(refused)).toMatchObject({ fault: 'contract_refused' });
    expect(asked).toEqual([]);
    network(contract(magic));
    expect((await lookUp(gateway, await ofAnother())).status).toBe(200);
    expect(asked).toHaveLength(1);
    const closed = { ...gateway, rateLimit: async () => false };
    expect((await lookUp(closed, await ofAnother())).status).toBe(429);
  });

  it('is refused if the account does not answer (law 2)', async () => {
    const { gateway } = await scriptedGateway(config, {
      lookUp: async () => {
        throw new Error('overloaded');
      },
    });
    const answer = await lookUp(gateway, await asking());
    expect(answer.status).toBe(503);
    expect(await answer.text()).not.toContain('overloaded');
  });
});
