import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/client/index.ts';
import type { Signer, SigningContext, TypedData } from '../../../src/client/signer.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import { parsePermitSignature, PERMIT_SCHEME } from '../../../src/gateway/permit-scheme.ts';
import { checkIntentWindow, intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import { matchRequirement, uptoRequirementOf } from '../../../src/protocol/x402/requirement.ts';
import {
  account,
  AGENT,
  agentOf,
  type Arrived,
  BASE_SEPOLIA,
  binding,
  clientErrorOf,
  countingSigner,
  dropped,
  entry,
  NOW,
  offer,
  PAY_TO,
  problem,
  scripted,
  served,
  type Step,
  URL_OF_TOOL,
  USDC,
} from './server.ts';

const FACILITATOR = `0x${'fa'.repeat(20)}` as const;
const OTHER = `0x${'77'.repeat(20)}` as const;
const SPONSORING = { eip2612GasSponsoring: { info: { version: '1' } } };

const token = tokenOf(BASE_SEPOLIA);
if (token === undefined) throw new Error('no token');
const asked = uptoRequirementOf(token, PAY_TO, 20_000n, 3600, FACILITATOR);

/** An entry of the scheme `upto`, as JSON. */
const upto = (more: Readonly<Record<string, unknown>> = {}) =>
  entry({ scheme: 'upto', extra: asked.extra, ...more });
const extra = (more: Readonly<Record<string, unknown>>) =>
  upto({ extra: { ...asked.extra, ...more } });
const sold: Step = () => offer([upto(), entry()], { ...binding(), ...SPONSORING });

const permitOf = (arrived: Arrived | undefined) => {
  const parsed = parsePermitSignature(arrived?.headers.get('PAYMENT-SIGNATURE') ?? '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
};
const serve: Step = async (arrived) =>
  await served(arrived, permitOf(arrived).authorization.nonce, { charged: '1260' });
const denied =
  (more: Readonly<Record<string, unknown>> = { approval_nonce: '3' }): Step =>
  () =>
    problem(403, 'denied', { rule: 'allowance', ...more });

/** Expects that the gateway accepts a permit, by the gateway's own rules. */
const accept = (arrived: Arrived | undefined) => {
  const payment = permitOf(arrived);
  const { authorization, permit, accepted, signature } = payment;
  if (accepted === undefined) throw new Error('nothing accepted');
  const signed = { token, authorization, ...(permit === undefined ? {} : { permit }) };
  expect(matchRequirement([asked], accepted).ok).toBe(true);
  expect(PERMIT_SCHEME.check(asked, signed, NOW)).toMatchObject({ ok: true });
  expect(verifyStrict(AGENT, PERMIT_SCHEME.digest(signed), signature).ok).toBe(true);
  return payment;
};

describe('a payment by upto', () => {
  it('is bound to the request, and the receipt states what moved', async () => {
    const server = scripted(sold, serve);
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL, { method: 'POST', body: 'hello' });
    const { authorization, intent } = accept(server.arrived[1]);
    if (intent === undefined) throw new Error('not bound');
    expect(intentDigest(intent, 84532)).toBe(authorization.nonce);
    expect(authorization.validAfter).toBe(BOUND_VALID_AFTER);
    expect(checkIntentWindow(intent, NOW, 0).ok).toBe(true);
    expect(intent).toMatchObject({ maxAmount: 20_000n, payTo: PAY_TO, tool: 'translate' });
    expect(answer.countersign).toMatchObject({
      ...{ paid: 'payment', version: 2, binding: 'intent', charged: 1_260n },
      call: authorization.nonce,
      receipt: { verified: true },
    });
    expect(agent.spending()).toMatchObject({ charged: 1_260n });
  });

  it('counts as its maximum, and as its charge only for an owner that trusts receipts', async () => {
    for (const [trustReceipts, signed] of [
      [false, 20_000n],
      [true, 1_260n],
    ] as const) {
      const spend = { perCall: '$0.05', total: '$1', trustReceipts } as const;
      const agent = agentOf(scripted(sold, serve), { spend });
      await agent.fetch(URL_OF_TOOL, { method: 'POST', body: 'hello' });
      expect(agent.spending()).toMatchObject({ signed });
    }
  });

  it('keeps its maximum counted where a trusted gateway signs no receipt', async () => {
    const spend = { perCall: '$0.05', total: '$1', trustReceipts: true } as const;
    const agent = agentOf(
      scripted(sold, () => new Response('ok')),
      { spend },
    );
    await agent.fetch(URL_OF_TOOL, { method: 'POST', body: 'hello' });
    expect(agent.spending()).toMatchObject({ signed: 20_000n });
  });

  it('is preferred to exact where payments are bound, in any order, and only there', async () => {
    for (const [extensions, scheme] of [
      [binding(), 'upto'],
      [{}, 'exact'],
    ] as const) {
      const server = scripted(
        () => offer([entry(), upto()], extensions),
        () => new Response('ok'),
      );
      await agentOf(server).fetch(URL_OF_TOOL);
      const header = server.arrived[1]?.headers.get('PAYMENT-SIGNATURE') ?? '';
      expect(parsePaymentSignature(header).ok ? 'exact' : 'upto').toBe(scheme);
    }
  });

  it('is signed without binding, with a nonce of its own, where nothing else is offered', async () => {
    const server = scripted(
      () => offer([upto()], {}),
      () => new Response('ok'),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    expect(accept(server.arrived[1]).authorization.validAfter).toBe(0n);
  });

  const hostile: readonly (readonly [string, unknown, ErrorCode])[] = [
    ['a maximum above the cap', upto({ amount: '50001' }), 'over_per_call'],
    ['another payee', upto({ payTo: OTHER }), 'payee_not_allowed'],
    ['another asset', upto({ asset: OTHER }), 'asset_not_allowed'],
    ['another chain', upto({ network: 'eip155:8453' }), 'asset_not_allowed'],
    ['an unknown chain', upto({ network: 'eip155:999999' }), 'network_unsupported'],
    ['no facilitator', extra({ facilitatorAddress: undefined }), 'flow_unsupported'],
    ['a malformed facilitator', extra({ facilitatorAddress: '0x1' }), 'flow_unsupported'],
    [
      'the zero address as facilitator',
      extra({ facilitatorAddress: `0x${'00'.repeat(20)}` }),
      'flow_unsupported',
    ],
    ['EIP-3009', extra({ assetTransferMethod: 'eip3009' }), 'flow_unsupported'],
    ['another domain', extra({ name: 'USD Coin' }), 'token_mismatch'],
  ];
  it.each(hostile)('is not signed for %s', async (_, accepts, code) => {
    const { signer, count } = countingSigner();
    const agent = agentOf(
      scripted(() => offer([accepts])),
      {
        account: signer,
        spend: { perCall: '$0.05', total: '$1', assets: [USDC], payees: [PAY_TO] },
      },
    );
    expect((await clientErrorOf(agent.fetch(URL_OF_TOOL))).code).toBe(code);
    expect(count()).toBe(0);
    expect(agent.spending().signed).toBe(0n);
  });

  it('is not signed where the owner forbids it: exact pays then, or nothing', async () => {
    const spend = { perCall: '$0.05', total: '$1', upto: false } as const;
    const server = scripted(sold, () => new Response('ok'));
    await agentOf(server, { spend }).fetch(URL_OF_TOOL);
    const header = server.arrived[1]?.headers.get('PAYMENT-SIGNATURE') ?? '';
    expect(parsePaymentSignature(header).ok).toBe(true);
    const only = agentOf(
      scripted(() => offer([upto()])),
      { spend },
    );
    expect((await clientErrorOf(only.fetch(URL_OF_TOOL))).code).toBe('scheme_unsupported');
  });

  it('always names the proxy as spender, and ends by the deadline that a client allows', async () => {
    const server = scripted(
      () => offer([extra({ spender: OTHER, proxy: OTHER })]),
      async (arrived) => await served(arrived, permitOf(arrived).authorization.nonce),
    );
    await agentOf(server).fetch(URL_OF_TOOL);
    // `parsePermitSignature` rejects every other spender.
    expect(permitOf(server.arrived[1]).authorization.validBefore).toBe(BigInt(NOW + 3600));
  });

  it('is sent again with the same bytes and its retry key after a lost answer', async () => {
    const server = scripted(sold, dropped, serve);
    await agentOf(server).fetch(URL_OF_TOOL);
    const [, first, second] = server.arrived;
    expect(second?.headers.get('PAYMENT-SIGNATURE')).toBe(first?.headers.get('PAYMENT-SIGNATURE'));
    expect(first?.headers.get('Agent-Retry-Key')).toBeNull();
    expect(second?.headers.get('Agent-Retry-Key')).not.toBeNull();
  });
});

describe('a payer without allowance for Permit2', () => {
  it('approves exactly the maximum and sends the same permit again, as one payment', async () => {
    const server = scripted(sold, denied(), serve);
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL);
    const [, first, second] = server.arrived;
    const bare = accept(first);
    const approved = accept(second);
    // The gateway rejects an approval of another amount, spender, token or owner when it reads the header.
    expect(bare.permit?.approval).toBeUndefined();
    expect(approved.permit?.approval).toMatchObject({
      nonce: '3',
      deadline: approved.authorization.validBefore.toString(),
    });
    const { permit: _, ...own } = bare;
    expect(approved).toMatchObject(own);
    expect(answer.countersign).toMatchObject({ charged: 1_260n, call: bare.authorization.nonce });
    expect(agent.spending().charged).toBe(1_260n);
    expect(agent.spending().signed).toBeLessThanOrEqual(20_000n);
  });

  it('shows a signer the intent of both signatures', async () => {
    const seen: (readonly [string, SigningContext | undefined])[] = [];
    const signer: Signer = {
      address: account.address,
      signTypedData: async (data: TypedData, context) => {
        seen.push([data.primaryType, context]);
        return await account.signTypedData(data as never);
      },
    };
    const server = scripted(sold, denied(), serve);
    await agentOf(server, { account: signer }).fetch(URL_OF_TOOL);
    const { intent } = permitOf(server.arrived[1]);
    expect(seen).toEqual([
      ['PermitWitnessTransferFrom', { intent }],
      ['Permit', { intent }],
    ]);
  });

  const refusing = (more: (data: TypedData) => Promise<`0x${string}`>): Signer => ({
    address: account.address,
    signTypedData: async (data) =>
      data.primaryType === 'Permit' ? await more(data) : await account.signTypedData(data as never),
  });
  it.each<[string, Step, Step, Signer]>([
    ['the gateway states no nonce', sold, denied({}), account as unknown as Signer],
    [
      'the nonce is malformed',
      sold,
      denied({ approval_nonce: '-1' }),
      account as unknown as Signer,
    ],
    [
      'the offer declares no approval',
      () => offer([upto()]),
      denied(),
      account as unknown as Signer,
    ],
    ['the account is a contract', sold, denied(), refusing(async () => '0x1234')],
    [
      'the account refuses',
      sold,
      denied(),
      refusing(async () => await Promise.reject(new Error('no'))),
    ],
  ])('reads what to do if %s', async (_, first, second, signer) => {
    const server = scripted(first, second);
    const agent = agentOf(server, { account: signer });
    const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
    expect(error).toMatchObject({ code: 'allowance_missing', problem: { rule: 'allowance' } });
    expect(error.call).toBe(permitOf(server.arrived[1]).authorization.nonce);
    expect(error.hint).toContain('0x000000000022D473030F116dDEE9F6B43aC78BA3');
    expect(server.arrived).toHaveLength(2);
    expect(agent.spending().signed).toBe(20_000n);
  });

  it('sends one approval only', async () => {
    const server = scripted(sold, denied(), denied());
    const error = await clientErrorOf(agentOf(server).fetch(URL_OF_TOOL));
    expect(error.code).toBe('allowance_missing');
    expect(server.arrived).toHaveLength(3);
  });

  it('gets any other denial as an answer', async () => {
    const server = scripted(sold, () => problem(403, 'denied', { rule: 'balance' }));
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign.problem).toMatchObject({ rule: 'balance' });
  });
});
