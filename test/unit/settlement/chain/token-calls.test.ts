import { encodeFunctionData, toEventSelector } from 'viem';
import { expect, test } from 'vitest';
import { usdcAbi } from '../../../../dev/stack/chain-access.ts';
import {
  AUTHORIZATION_CANCELED,
  AUTHORIZATION_USED,
  authorizationState,
  balanceOf,
  tokenLogs,
  TRANSFER,
} from '../../../../src/settlement/chain/token-calls.ts';
import { payerNumber, TOKEN, word } from '../scripted.ts';

test('topics are the hashes of the event signatures', () => {
  expect(AUTHORIZATION_USED).toBe(toEventSelector('AuthorizationUsed(address,bytes32)'));
  expect(AUTHORIZATION_CANCELED).toBe(toEventSelector('AuthorizationCanceled(address,bytes32)'));
  expect(TRANSFER).toBe(toEventSelector('Transfer(address,address,uint256)'));
});

test('encodes calls as viem does', () => {
  const payer = payerNumber(0xabc);
  expect(authorizationState(TOKEN.address, payer, word(7)).params).toEqual([
    {
      to: TOKEN.address,
      data: encodeFunctionData({
        abi: usdcAbi,
        functionName: 'authorizationState',
        args: [payer, word(7)],
      }),
    },
    'latest',
  ]);
  expect(balanceOf(TOKEN.address, payer, '0x10').params).toEqual([
    {
      to: TOKEN.address,
      data: encodeFunctionData({ abi: usdcAbi, functionName: 'balanceOf', args: [payer] }),
    },
    '0x10',
  ]);
});

test('requests the token logs of a block without a filter on topics', () => {
  expect(tokenLogs(TOKEN.address, 256).params).toEqual([
    { address: TOKEN.address, fromBlock: '0x100', toBlock: '0x100' },
  ]);
});
