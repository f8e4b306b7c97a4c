import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Payment } from '../../../src/protocol/payment.ts';
import { bodyFor, openFacilitator, requirementFor, SELLER, signForSeller } from './world.ts';

const account = privateKeyToAccount(generatePrivateKey());
const now = Math.floor(Date.now() / 1000);
let payment: Payment;
beforeAll(async () => {
  payment = await signForSeller(account);
});

/** Sends a body to both routes. They must reject it without network access, object call or rate limit. */
const refusedAs = async (body: unknown, facilitates?: Map<never, never>) => {
  const fetched = vi.spyOn(globalThis, 'fetch');
  const { send, relayed, rateLimited } = await openFacilitator(
    undefined,
    facilitates && { facilitates },
  );
  const verified = await send('verify', body);
  const settled = await send('settle', body);
  expect([fetched.mock.calls.length, relayed.length, rateLimited.length]).toEqual([0, 0, 0]);
  fetched.mockRestore();
  expect([verified.status, settled.status]).toEqual([200, 200]);
  const { invalidReason, invalidMessage } = verified.json as Record<string, unknown>;
  expect(verified.json).toMatchObject({ isValid: false });
  expect(settled.json).toMatchObject({
    success: false,
    errorReason: invalidReason,
    errorMessage: invalidMessage,
    transaction: '',
    network: '',
  });
  expect(verified.headers.get('Cache-Control')).toBe('private, no-store');
  return invalidReason;
};

describe('a payment is refused without network access', () => {
  it.each<[string, string, object]>([
    [
      'for an address that is not listed',
      'invalid_payment_requirements',
      { payTo: `0x${'77'.repeat(20)}` },
    ],
    ['on a network that is not listed', 'invalid_network', { network: 'eip155:8453' }],
    ['on a network without a token', 'invalid_network', { network: 'eip155:5' }],
    ['in another token', 'invalid_exact_evm_eip3009_not_supported', { asset: SELLER }],
    ['without a domain', 'invalid_exact_evm_missing_eip712_domain', { extra: {} }],
    ['without extra', 'invalid_exact_evm_missing_eip712_domain', { extra: null }],
    [
      'with the name of another token',
      'invalid_exact_evm_token_name_mismatch',
      { extra: { name: 'USD Coin', version: '2' } },
    ],
    [
      'with another version of the token',
      'invalid_exact_evm_token_version_mismatch',
      { extra: { name: 'USDC', version: '1' } },
    ],
    [
      'in the flow upfront',
      'invalid_payment_requirements',
      { extra: { name: 'USDC', version: '2', paymentFlow: 'upfront' } },
    ],
    ['of less than the least amount', 'invalid_payment_requirements', { amount: '999' }],
    [
      'of another amount than demanded',
      'invalid_exact_evm_payload_authorization_value_mismatch',
      { amount: '2001' },
    ],
    ['of another scheme', 'unsupported_scheme', { scheme: 'upto' }],
    ['on a network of another kind', 'invalid_network', { network: 'solana:mainnet' }],
  ])('%s: %s', async (_, reason, changes) => {
    expect(await refusedAs(bodyFor(payment, changes))).toBe(reason);
  });

  it('of another recipient than demanded', async () => {
    const other = await signForSeller(account, { to: `0x${'77'.repeat(20)}` });
    const body = { ...bodyFor(other), paymentRequirements: requirementFor(payment) };
    expect(await refusedAs(body)).toBe('invalid_exact_evm_recipient_mismatch');
  });

  it('on another network than demanded', async () => {
    const body = bodyFor(payment, { network: 'eip155:8453' });
    const mixed = { ...body, paymentRequirements: requirementFor(payment) };
    expect(await refusedAs(mixed)).toBe('invalid_exact_evm_network_mismatch');
  });

  it.each([
    ['not valid yet', { validAfter: BigInt(now + 600) }, 'valid_after'],
    ['valid for longer than an hour', { validBefore: BigInt(now + 4_000) }, 'valid_before'],
    ['bound to a request of a gateway', { validAfter: 1_131_378_030n }, 'valid_after'],
    ['with a reserved mark', { validAfter: 1_131_378_031n }, 'valid_after'],
  ] as const)('that is %s', async (_, changes, field) => {
    const timed = await signForSeller(account, changes);
    expect(await refusedAs(bodyFor(timed))).toBe(
      `invalid_exact_evm_payload_authorization_${field}`,
    );
  });

  it.each<[string, string, (signature: string) => string]>([
    ['the high s of the same key', 'invalid_exact_evm_signature', highS],
    ['v of 0 or 1', 'invalid_exact_evm_signature', (text) => text.slice(0, -2) + '00'],
    [
      'of a wallet that is not deployed',
      'invalid_exact_evm_payload_undeployed_smart_wallet',
      (text) => `${text}${'6492'.repeat(16)}`,
    ],
  ])('with a signature of %s', async (_, reason, change) => {
    const signature = change(payment.signature) as Payment['signature'];
    expect(await refusedAs(bodyFor({ ...payment, signature }))).toBe(reason);
  });

  it('of version 3, or of different versions', async () => {
    const body = bodyFor(payment);
    expect(await refusedAs({ ...body, x402Version: 3 })).toBe('invalid_x402_version');
    const mixed = { ...body, paymentPayload: { ...body.paymentPayload, x402Version: 1 } };
    expect(await refusedAs(mixed)).toBe('invalid_x402_version');
  });
});

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The signature with the complementary s, which the token rejects (EIP-2). */
function highS(text: string): string {
  const s = ORDER - BigInt(`0x${text.slice(66, 130)}`);
  const v = text.endsWith('1b') ? '1c' : '1b';
  return `${text.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`;
}

describe('a body is a problem', () => {
  it.each<[string, unknown]>([
    ['that is empty', ''],
    ['that is not JSON', '{'],
    ['that is a list', []],
    ['with a key twice', '{"x402Version":2,"x402Version":2}'],
    ['with an unknown member', { ...{ more: 1 } }],
    ['without requirements', { x402Version: 2, paymentPayload: {} }],
  ])('%s', async (_, body) => {
    const { send, relayed } = await openFacilitator();
    for (const action of ['verify', 'settle']) {
      const { status, json, headers } = await send(action, body);
      expect(status).toBe(400);
      expect(headers.get('Content-Type')).toBe('application/problem+json');
      expect(json).toMatchObject({ field: expect.stringMatching(/^body/) });
    }
    expect(relayed).toEqual([]);
  });

  it('with an unknown field, or a malformed one, which it names', async () => {
    const { send } = await openFacilitator();
    const body = bodyFor(payment);
    const more = { ...body, paymentRequirements: requirementFor(payment, { tip: '1' }) };
    expect((await send('settle', more)).json).toMatchObject({
      field: 'body.paymentRequirements.tip',
    });
    expect((await send('settle', bodyFor(payment, { amount: '1.5' }))).json).toMatchObject({
      status: 400,
      field: 'body.paymentRequirements.amount',
    });
  });

  it('above 32 KiB', async () => {
    const { send } = await openFacilitator();
    const large = { ...bodyFor(payment), padding: 'x'.repeat(32_768) };
    expect((await send('verify', large)).status).toBe(413);
  });
});
