import {
  decodeFunctionData,
  encodeFunctionResult,
  getAddress,
  multicall3Abi,
  parseAbi,
  parseSignature,
} from 'viem';
import { describe, expect, test } from 'vitest';
import {
  aggregate,
  aggregated,
  MULTICALL3,
  transferData,
} from '../../../../src/settlement/relayer/calldata.ts';
import { addressOf, pendingOf } from './people.ts';

// viem derives selectors, offsets and lengths from the human-readable signatures.
const abi = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
]);

const fieldsOf = ({ authorization: of }: ReturnType<typeof pendingOf>) => [
  of.from,
  of.to,
  of.value,
  of.validAfter,
  of.validBefore,
  of.nonce,
];

describe('transferData', () => {
  test('encodes the signature of a key as v, r and s', () => {
    const one = pendingOf(7, { value: 123_456n });
    const { r, s, v } = parseSignature(one.signature);
    expect(decodeFunctionData({ abi, data: transferData(one, 'key') }).args).toEqual([
      ...fieldsOf(one),
      Number(v),
      r,
      s,
    ]);
  });

  test.for([1, 31, 32, 33, 65, 97, 200, 4_096])(
    'encodes %i bytes of a contract signature',
    (length) => {
      const signature = `0x${'ab'.repeat(length)}` as const;
      const one = pendingOf(7, { signature });
      expect(decodeFunctionData({ abi, data: transferData(one, 'contract') }).args).toEqual([
        ...fieldsOf(one),
        signature,
      ]);
    },
  );

  test('encodes a signature that is not 65 bytes as bytes, for the token to refuse', () => {
    const one = pendingOf(7, { signature: `0x${'ab'.repeat(64)}` });
    expect(decodeFunctionData({ abi, data: transferData(one, 'key') }).args).toHaveLength(7);
  });
});

describe('aggregate', () => {
  test.for([1, 2, 100])('bundles %i calls, each of which may fail alone', (count) => {
    const calls = Array.from({ length: count }, (_, id) => ({
      to: addressOf(id + 1),
      data: `0x${'cd'.repeat(id + 1)}` as const,
    }));
    const { to, data } = aggregate(calls);
    expect(to).toBe(MULTICALL3);
    const { functionName, args } = decodeFunctionData({ abi: multicall3Abi, data });
    expect(functionName).toBe('aggregate3');
    expect(args).toEqual([
      calls.map(({ to: target, data: callData }) => ({
        target: getAddress(target),
        allowFailure: true,
        callData,
      })),
    ]);
  });
});

describe('aggregated', () => {
  const answerOf = (results: readonly { success: boolean; returnData: `0x${string}` }[]) =>
    encodeFunctionResult({ abi: multicall3Abi, functionName: 'aggregate3', result: [...results] });

  test('reads which calls succeeded', () => {
    const answer = answerOf([
      { success: true, returnData: '0x' },
      { success: false, returnData: `0x${'ee'.repeat(100)}` },
      { success: true, returnData: '0x01' },
    ]);
    expect(aggregated(answer, 3)).toEqual([true, false, true]);
  });

  test('rejects an answer for another number of calls, and a truncated or malformed one', () => {
    const answer = answerOf([{ success: true, returnData: '0x' }]);
    expect(aggregated(answer, 2)).toBeUndefined();
    expect(aggregated('0x', 1)).toBeUndefined();
    for (let length = 2; length < 2 + 4 * 64; length += 2) {
      expect(aggregated(answer.slice(0, length) as `0x${string}`, 1)).toBeUndefined();
    }
    expect(aggregated(`0x${'ff'.repeat(200)}`, 1)).toBeUndefined();
  });
});
