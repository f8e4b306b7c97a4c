import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { chain, freshPayer } from '../settlement/real-chain.ts';
import { submitAuthorization } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { bodyFor, openFacilitator, signForSeller } from './world.ts';

const verify = async (body: unknown) => (await (await openFacilitator()).send('verify', body)).json;

describe('POST /facilitator/verify', () => {
  it('accepts a payment that would settle, and hands it to nobody', async () => {
    const payer = await freshPayer();
    const facilitator = await openFacilitator();
    const { json } = await facilitator.send('verify', bodyFor(await signForSeller(payer)));
    expect(json).toEqual({ isValid: true, payer: payer.address.toLowerCase() });
    expect(facilitator.relayed).toEqual([]);
  });

  it.each([
    ['insufficient_balance', 1_999n, 0],
    ['nonce_already_used', 2_000n, 1],
  ])('refuses with %s', async (reason, funds, times) => {
    const payer = await freshPayer(funds);
    const payment = await signForSeller(payer);
    const signed = { authorization: payment.authorization, signature: payment.signature };
    const sender = await freshPayer(0n);
    for (let left = times; left > 0; left -= 1) {
      await submitAuthorization({ client: chain.client, sender, token: usdc, signed });
    }
    expect(await verify(bodyFor(payment))).toMatchObject({
      isValid: false,
      invalidReason: `invalid_exact_evm_${reason}`,
      payer: payer.address.toLowerCase(),
    });
  });

  it('refuses an authorization that ends within six seconds', async () => {
    const validBefore = BigInt(Math.floor(Date.now() / 1000) + 5);
    const payment = await signForSeller(await freshPayer(), { validBefore });
    expect(await verify(bodyFor(payment))).toMatchObject({
      invalidReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
  });

  it('refuses the signature of another key, and that of a contract which rejects it', async () => {
    const [payer, other] = [await freshPayer(), privateKeyToAccount(generatePrivateKey())];
    const payment = await signForSeller(payer);
    const { signature } = await signForSeller(other, payment.authorization);
    const invalid = { isValid: false, invalidReason: 'invalid_exact_evm_signature' };
    expect(await verify(bodyFor({ ...payment, signature }))).toMatchObject(invalid);
    await chain.client.setCode({ address: payer.address, bytecode: '0x00' });
    // For an account with code, the key's own signature does not count (EIP-7702).
    expect(await verify(bodyFor(payment))).toMatchObject(invalid);
  });

  it('answers 503 while no node answers', async () => {
    const payment = await signForSeller(await freshPayer());
    const rpcUrls = new Map([[usdc.network, ['http://127.0.0.1:1']]] as const);
    const { send } = await openFacilitator(undefined, { rpcUrls });
    expect((await send('verify', bodyFor(payment))).status).toBe(503);
  });
});

describe('the rate limit', () => {
  it('counts the client, then the receiving address, by who signed', async () => {
    const payer = await freshPayer();
    const payment = await signForSeller(payer);
    const { send, rateLimited } = await openFacilitator();
    const client = { headers: { 'CF-Connecting-IP': '192.0.2.1' } };
    await send('verify', bodyFor(payment), client);
    const strange = `0x${'11'.repeat(64)}1b` as const;
    await send('settle', bodyFor({ ...payment, signature: strange }), client);
    expect(rateLimited).toEqual([
      'verify 192.0.2.1',
      `verify key ${usdc.network}:${payment.authorization.to}`,
      'settle 192.0.2.1',
      `settle contract ${usdc.network}:${payment.authorization.to}`,
    ]);
  });

  it.each([
    ['of the client', 'settle unknown'],
    ['of the address', 'settle key'],
  ])('%s refuses with 429 before the chain is read', async (_, full) => {
    const facilitator = await openFacilitator(undefined, { rpcUrls: new Map() });
    facilitator.limits.rateLimit = async (key) => !key.startsWith(full);
    const body = bodyFor(await signForSeller(await freshPayer()));
    const { status, headers } = await facilitator.send('settle', body);
    expect([status, headers.get('Retry-After')]).toEqual([429, '10']);
    expect(facilitator.relayed).toEqual([]);
  });
});
