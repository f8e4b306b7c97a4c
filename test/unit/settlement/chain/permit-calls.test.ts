import { x402UptoPermit2ProxyABI as abi } from '@x402/evm';
import fc from 'fast-check';
import { encodeFunctionData, type Hex, parseAbi, toEventSelector } from 'viem';
import { expect, test } from 'vitest';
import { PERMIT2, UPTO_PROXY } from '../../../../src/protocol/x402/permit2.ts';
import {
  approvalNonceOf,
  isBitSet,
  isInvalidated,
  nonceBitmap,
  NONCES_INVALIDATED,
  SETTLED,
  SETTLED_WITH_PERMIT,
  settledPermit,
} from '../../../../src/settlement/chain/permit-calls.ts';
import { allowanceOf } from '../../../../src/settlement/chain/token-calls.ts';
import { settleData } from '../../../../src/settlement/relayer/permit-calldata.ts';
import { OTHER, PAY_TO, payerNumber, paymentNumber, TOKEN, word } from '../scripted.ts';

const FACILITATOR = payerNumber(0xfac);
const approval = { nonce: '3', deadline: '99', signature: `0x${'12'.repeat(64)}1b` } as const;
const payment = { ...paymentNumber(0xabc), permit: { facilitator: FACILITATOR }, charge: 7n };
const { from, to, value, validAfter, validBefore, nonce } = payment.authorization;

const settlement = [
  {
    permitted: { token: TOKEN.address, amount: value },
    nonce: BigInt(nonce),
    deadline: validBefore,
  },
  7n,
  from,
  { to, facilitator: FACILITATOR, validAfter },
  payment.signature,
] as const;

test('topics are the hashes of the event signatures', () => {
  expect(NONCES_INVALIDATED).toBe(
    toEventSelector('UnorderedNonceInvalidation(address,uint256,uint256)'),
  );
  expect(SETTLED).toBe(toEventSelector('Settled()'));
  expect(SETTLED_WITH_PERMIT).toBe(toEventSelector('SettledWithPermit()'));
});

test('asks the token for the nonce of the next EIP-2612 permit', () => {
  const data = encodeFunctionData({
    abi: parseAbi(['function nonces(address owner) view returns (uint256)']),
    args: [from],
  });
  expect(approvalNonceOf(TOKEN.address, from).params[0]).toEqual({ to: TOKEN.address, data });
});

test('encodes both settlements as viem does with the official ABI', () => {
  const plain = encodeFunctionData({ abi, functionName: 'settle', args: settlement });
  expect(settleData(payment)).toBe(plain);
  const { charge: _, ...whole } = payment;
  const [permit, , ...rest] = settlement;
  expect(settleData(whole)).toBe(
    encodeFunctionData({ abi, functionName: 'settle', args: [permit, value, ...rest] }),
  );
  const half: Hex = `0x${'12'.repeat(32)}`;
  const permit2612 = { value, deadline: 99n, v: 27, r: half, s: half };
  expect(settleData({ ...payment, permit: { facilitator: FACILITATOR, approval } })).toBe(
    encodeFunctionData({
      ...{ abi, functionName: 'settleWithPermit' },
      args: [permit2612, ...settlement],
    }),
  );
});

test('reads payer and nonce of both settlements, and of no other call', () => {
  const read = (input: Hex, called: Hex = UPTO_PROXY) => settledPermit({ to: called, input });
  const plain = settleData(payment);
  const sponsored = settleData({ ...payment, permit: { facilitator: FACILITATOR, approval } });
  expect(read(plain)).toEqual({ payer: from, nonce });
  expect(read(sponsored)).toEqual({ payer: from, nonce });
  expect(read(plain, OTHER)).toBeUndefined();
  expect(read(`0xdeadbeef${plain.slice(10)}`)).toBeUndefined();
  expect(read(plain.slice(0, 300) as Hex)).toBeUndefined();
  expect(read('0x')).toBeUndefined();
});

test('reads the bit of each nonce in its word', () => {
  const abiOf = parseAbi([
    'function nonceBitmap(address owner, uint256 word) view returns (uint256)',
  ]);
  const bitmap = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
  fc.assert(
    fc.property(bitmap, bitmap, (nonceOf, bits) => {
      const hex: Hex = `0x${nonceOf.toString(16).padStart(64, '0')}`;
      const args = [from, nonceOf >> 8n] as const;
      const data = encodeFunctionData({ abi: abiOf, functionName: 'nonceBitmap', args });
      expect(nonceBitmap(from, hex).params).toEqual([{ to: PERMIT2, data }, 'latest']);
      expect(isBitSet(bits, hex)).toBe(((bits >> (nonceOf % 256n)) & 1n) === 1n);
    }),
  );
});

test('a cancelled word cancels the nonces of its mask', () => {
  const data = (of: bigint, mask: bigint): Hex =>
    `0x${of.toString(16).padStart(64, '0')}${mask.toString(16).padStart(64, '0')}`;
  expect(isInvalidated(data(1n, 1n << 7n), word(256 + 7))).toBe(true);
  expect(isInvalidated(data(1n, 1n << 8n), word(256 + 7))).toBe(false);
  expect(isInvalidated(data(2n, 1n << 7n), word(256 + 7))).toBe(false);
  expect(isInvalidated('0x', word(7))).toBe(false);
});

test('asks for the allowance as viem does', () => {
  const allowance = parseAbi([
    'function allowance(address owner, address spender) view returns (uint256)',
  ]);
  const data = encodeFunctionData({ abi: allowance, args: [from, PAY_TO] });
  expect(allowanceOf(TOKEN.address, from, PAY_TO).params).toEqual([
    { to: TOKEN.address, data },
    'latest',
  ]);
});
