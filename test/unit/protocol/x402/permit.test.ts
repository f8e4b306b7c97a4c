import fc from 'fast-check';
import { hashTypedData } from 'viem';
import { expect, it } from 'vitest';
import { approvalTypedData, permitTypedData } from '../../../../dev/stack/permit.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { tokenNetworks, tokenOf } from '../../../../src/protocol/x402/networks.ts';
import { approvalDigest, permitDigest } from '../../../../src/protocol/x402/permit.ts';
import { PERMIT2, UPTO_PROXY } from '../../../../src/protocol/x402/permit2.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { AUTHORIZATION, BASE_SEPOLIA, PAY_TO } from './fixture.ts';

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((all): Hex => `0x${Buffer.from(all).toString('hex')}`);
const address: fc.Arbitrary<Address> = hex(20);
const uint256 = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const signed = fc.record({
  from: address,
  to: address,
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: hex(32),
});
const token = fc.constantFrom(...tokenNetworks).map((network) => {
  const found = tokenOf(network);
  if (found === undefined) throw new Error('a network of the table');
  return found;
});

it('hashes every permit as viem does', () => {
  fc.assert(
    fc.property(token, signed, address, (of, authorization, facilitator) => {
      const typed = permitTypedData(of, authorization, { facilitator });
      expect(permitDigest(of, authorization, { facilitator })).toBe(hashTypedData(typed));
    }),
  );
});

it('hashes every approval of Permit2 as viem does', () => {
  fc.assert(
    fc.property(token, signed, uint256, uint256, (of, authorization, nonce, deadline) => {
      const fields = { nonce: nonce.toString(), deadline: deadline.toString() };
      const typed = approvalTypedData(of, authorization, fields);
      expect(approvalDigest(of, authorization, fields)).toBe(hashTypedData(typed));
    }),
  );
});

it('hashes the permit of the published vector as the verifier in Python does', () => {
  const { authorization } = vectors.paid.payment;
  expect(BigInt(authorization.nonce).toString()).toBe(vectors.paid.payment.permit2Nonce);
  const signed = { ...AUTHORIZATION, validBefore: BigInt(authorization.validBefore) };
  const token = tokenOf(BASE_SEPOLIA);
  if (token === undefined) throw new Error('a network of the table');
  // The same literal is in `examples/verifier-python/test_vectors.py`.
  expect(permitDigest(token, signed, { facilitator: PAY_TO })).toBe(
    '0xb1bc98f8caa4e9c1d34418a31beef4f944ee98f1888d67ee756df06296fb807c',
  );
});

it('has the addresses of the official package', async () => {
  const { PERMIT2_ADDRESS, x402UptoPermit2ProxyAddress } = await import('@x402/evm');
  expect(PERMIT2).toBe(PERMIT2_ADDRESS.toLowerCase());
  expect(UPTO_PROXY).toBe(x402UptoPermit2ProxyAddress.toLowerCase());
});
