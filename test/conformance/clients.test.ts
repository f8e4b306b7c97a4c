import {
  type Address,
  concat,
  encodeAbiParameters,
  type LocalAccount,
  parseAbiParameters,
} from 'viem';
import { describe, expect, it } from 'vitest';
import { mint, usdcBalance } from '../../dev/stack/chain-access.ts';
import { agentIntent, retryKey, signIntent } from './support/intent.ts';
import { newer, older, useWith } from './support/official.ts';
import { kindOf, paymentResponse, readProblem } from './support/offer.ts';
import {
  ascending,
  fundedAccount,
  isUsed,
  newAccount,
  type Payment,
  sign,
  transfersFrom,
  v2,
} from './support/payment.ts';
import { claimsOf } from './support/receipt.ts';
import { deployContractWallet } from './support/wallet.ts';
import {
  lookup,
  report,
  type ToolCall,
  translate,
  useSharedWorld,
  whoami,
} from './support/world.ts';

const world = useSharedWorld();

const use = async (paying: typeof fetch, call: ToolCall): Promise<Response> =>
  await useWith(world(), paying, call);

describe.each([
  { client: '@x402/fetch 2.27, x402 v2', wrap: newer, network: 'eip155:84532' },
  { client: 'x402-fetch 1.2.0, x402 v1', wrap: older, network: 'base-sepolia' },
])('$client, unchanged', ({ wrap, network }) => {
  it('pays upfront as a newcomer and deferred afterwards, and balances change by the exact amounts', async () => {
    const { client, counts } = world();
    const account = await fundedAccount(world(), 1_000_000n);
    const before = await counts();
    const paying = wrap(account);

    // A payer without a settled payment is settled before the tool runs (law 7).
    const first = await use(paying, translate);
    expect(first.status).toBe(200);
    expect(await first.json()).toMatchObject({ to: 'fr' });
    const moved = paymentResponse(first);
    expect(moved).toMatchObject({
      success: true,
      network,
      amount: '20000',
      extra: { status: 'settled' },
    });
    const receipt = await client.getTransactionReceipt({
      hash: moved.transaction as `0x${string}`,
    });
    expect(receipt.status).toBe('success');
    expect(await transfersFrom(world(), account.address)).toEqual([20_000n]);

    const next = await use(paying, lookup);
    expect(next.status).toBe(200);
    expect(await next.json()).toMatchObject({ word: 'river' });
    expect(paymentResponse(next)).toMatchObject({
      success: true,
      transaction: '',
      amount: '1000',
      extra: { status: 'accepted' },
    });

    const upfront = await use(paying, report);
    expect(upfront.status).toBe(200);
    expect(paymentResponse(upfront)).toMatchObject({
      success: true,
      amount: '50000',
      extra: { status: 'settled' },
    });
    expect(paymentResponse(upfront).transaction).toMatch(/^0x[0-9a-f]{64}$/);

    await expect
      .poll(async () => [...(await transfersFrom(world(), account.address))].toSorted(ascending), {
        timeout: 30_000,
      })
      .toEqual([1_000n, 20_000n, 50_000n]);
    expect(await usdcBalance(client, account.address)).toBe(1_000_000n - 71_000n);
    const ran = await counts();
    expect(ran).toEqual({
      ...before,
      lookup: before.lookup + 1,
      translate: before.translate + 1,
      report: before.report + 1,
    });
  });
});

describe('a contract account', () => {
  /** A payment of `wallet`, signed by `owner`. */
  const signFor = async (wallet: Address, owner: LocalAccount, call: ToolCall): Promise<Payment> =>
    await sign(world(), { ...owner, address: wallet }, call);

  it('pays through ERC-1271, always upfront', async () => {
    const owner = newAccount();
    const wallet = await deployContractWallet(world(), owner.address);
    await mint(world().client, wallet, 100_000n);
    for (const paid of [[1_000n], [1_000n, 1_000n]]) {
      const answer = await world().send(lookup, v2(await signFor(wallet, owner, lookup)));
      expect(answer.status).toBe(200);
      expect(paymentResponse(answer)).toMatchObject({
        success: true,
        extra: { status: 'settled' },
      });
      expect(await transfersFrom(world(), wallet)).toEqual(paid);
    }
    expect(await usdcBalance(world().client, wallet)).toBe(98_000n);
  });

  it('cannot pay with the signature of another key', async () => {
    const wallet = await deployContractWallet(world(), newAccount().address);
    await mint(world().client, wallet, 100_000n);
    const before = await world().counts();
    const payment = await signFor(wallet, newAccount(), lookup);
    const problem = await readProblem(await world().send(lookup, v2(payment)));
    expect([kindOf(problem), problem.status]).toEqual(['invalid-signature', 400]);
    expect(await world().counts()).toEqual(before);
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it('with EIP-7702 code pays by its code only: its own key is rejected', async () => {
    const { client } = world();
    const account = await fundedAccount(world(), 1_000_000n);
    const code = await deployContractWallet(world(), newAccount().address);
    await client.setCode({ address: account.address, bytecode: concat(['0xef0100', code]) });
    const before = await world().counts();
    const payment = await sign(world(), account, lookup);
    const refused = await world().send(lookup, v2(payment));
    expect(refused.status).toBe(400);
    expect(kindOf(await readProblem(refused))).toBe('invalid-signature');
    expect(await world().counts()).toEqual(before);
    expect(await isUsed(world(), payment)).toBe(false);
  });

  it('that is not deployed yet (ERC-6492) is rejected without a request to the chain', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await sign(world(), account, lookup);
    const wrapped = encodeAbiParameters(parseAbiParameters('address, bytes, bytes'), [
      account.address,
      '0x12345678',
      payment.payload.signature,
    ]);
    const signature = concat([wrapped, `0x${'6492'.repeat(16)}`]);
    const answer = await world().send(
      lookup,
      v2({ ...payment, payload: { ...payment.payload, signature } }),
    );
    expect(await readProblem(answer)).toMatchObject({
      type: 'urn:countersign:problem:unsupported-signature',
      status: 400,
      field: 'PAYMENT-SIGNATURE.payload.signature',
    });
  });
});

describe('a free tool', () => {
  it('requires a signature and takes no money', async () => {
    const account = await fundedAccount(world(), 10_000n);
    for (const headers of [{}, v2(await sign(world(), account, lookup))]) {
      const answer = await world().send(whoami, headers);
      expect(answer.status).toBe(401);
      expect(await readProblem(answer)).toMatchObject({
        type: 'urn:countersign:problem:intent-required',
      });
      expect(answer.headers.get('WWW-Authenticate')).toBe(
        `AgentIntent error="intent_required", audience="${world().stack.description.audience}", chains="eip155:84532", max_validity="300", tool="whoami"`,
      );
    }
    expect(await usdcBalance(world().client, account.address)).toBe(10_000n);
  });

  it('answers a signed request once; the retry key gets the same answer without a second run', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const signed = await signIntent(world(), account, whoami);
    const before = (await world().counts()).whoami;
    const first = await world().send(whoami, agentIntent(signed));
    expect(first.status).toBe(200);
    expect(first.headers.get('PAYMENT-RESPONSE')).toBeNull();
    expect(first.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await claimsOf(world(), first)).toMatchObject({
      charged: '0',
      tool: 'whoami',
      status: 200,
    });
    const text = await first.text();
    const name = `eip155:84532:${account.address.toLowerCase()}`;
    expect(JSON.parse(text)).toMatchObject({ account: name, tool: 'whoami', binding: 'intent' });

    const bare = await world().send(whoami, agentIntent(signed));
    expect(kindOf(await readProblem(bare))).toBe('already-used');
    const shown = { ...agentIntent(signed), ...retryKey(signed.intent) };
    const again = await world().send(whoami, shown);
    expect([again.status, await again.text()]).toEqual([200, text]);
    expect((await world().counts()).whoami).toBe(before + 1);
    expect(await usdcBalance(world().client, account.address)).toBe(10_000n);
  });

  it.each<[string, (now: number) => Parameters<typeof signIntent>[3], string]>([
    ['audience', () => ({ audience: 'https://other.example' }), 'intent-mismatch'],
    ['tool', () => ({ tool: 'lookup' }), 'intent-mismatch'],
    ['method', () => ({ method: 'POST' }), 'intent-mismatch'],
    ['target', () => ({ target: '/tools/whoami?' }), 'intent-mismatch'],
    ['contentType', () => ({ contentType: 'text/plain' }), 'intent-mismatch'],
    ['payloadDigest', () => ({ payloadDigest: `0x${'00'.repeat(32)}` }), 'intent-mismatch'],
    // The gateway allows 30 seconds of clock skew either way.
    [
      'validBefore',
      (now) => ({ validAfter: BigInt(now - 90), validBefore: BigInt(now - 31) }),
      'expired',
    ],
    [
      'validBefore',
      (now) => ({ validAfter: BigInt(now - 2), validBefore: BigInt(now + 400) }),
      'window-too-long',
    ],
    [
      'validAfter',
      (now) => ({ validAfter: BigInt(now + 130), validBefore: BigInt(now + 190) }),
      'not-yet-valid',
    ],
    [
      'validBefore',
      (now) => ({ validAfter: BigInt(now), validBefore: BigInt(now) }),
      'empty-window',
    ],
  ])('rejects an intent with another %s', async (field, fields, kind) => {
    const account = await fundedAccount(world(), 10_000n);
    const before = await world().counts();
    const signed = await signIntent(
      world(),
      account,
      whoami,
      fields(Math.floor(Date.now() / 1000)),
    );
    const answer = await world().send(whoami, agentIntent(signed));
    expect(answer.status).toBe(400);
    const problem = await readProblem(answer);
    expect(kindOf(problem)).toBe(kind);
    expect(problem.field).toMatch(
      kind === 'expired' ? /validBefore$/ : new RegExp(`^Agent-Intent\\.intent\\.${field}$`),
    );
    expect(await world().counts()).toEqual(before);
  });

  it('denies a key that has never held anything', async () => {
    const before = await world().counts();
    const answer = await world().send(
      whoami,
      agentIntent(await signIntent(world(), newAccount(), whoami)),
    );
    expect(answer.status).toBe(403);
    expect(await readProblem(answer)).toMatchObject({
      type: 'urn:countersign:problem:denied',
      rule: 'penniless',
    });
    expect(await world().counts()).toEqual(before);
  });
});
