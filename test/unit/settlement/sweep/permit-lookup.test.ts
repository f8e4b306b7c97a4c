import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { usdc } from '../../../../dev/stack/chain-access.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { examine } from '../../../../src/settlement/sweep/examine.ts';
import { db, freshDatabase } from '../../audit/database.ts';
import { chain, freshPayer, headBlock, rpc } from '../real-chain.ts';
import {
  approvedPayer,
  cancelPermit,
  CHARGE,
  lower,
  permitFrom,
  sendSettlement,
} from '../real-permits.ts';
import { emptyTables, enter, site } from './ledger.ts';

/** The payee was dropped, so the gateway looks the payments to it up one by one. */
let dropped: Address;

beforeAll(freshDatabase);
beforeEach(async () => {
  await emptyTables();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  dropped = lower(privateKeyToAddress(generatePrivateKey()));
});

const newPermit = async () => {
  const [payer, sender] = [await approvedPayer(), await freshPayer(0n)];
  const terms = { to: dropped, charge: CHARGE };
  return { payer, sender, payment: await permitFrom(payer, lower(sender.address), terms) };
};

const blockOf = async (hash: Hex): Promise<number> =>
  Number((await chain.client.getTransactionReceipt({ hash })).blockNumber);

/** Compares one block, in which the ledger has settled this payment. */
const compare = async ({ authorization }: Payment, block: number, transaction: Hex) => {
  const settled = { state: 'settled', amount: CHARGE, block, transaction } as const;
  await enter(lower(authorization.from), authorization.nonce, nowSeconds(), settled, dropped);
  const payees = [lower(privateKeyToAddress(generatePrivateKey()))];
  const receiver = site({ urls: [rpc], token: usdc.address, payees });
  const examined = await examine(db, receiver, { from: block, to: block });
  if (!examined.ok) throw new Error(examined.error);
  const { differences, undecided, chain: moved, ledger } = examined.value;
  return { kinds: differences.map(({ kind }) => kind), undecided, moved, ledger };
};

test('finds a settled permit, whoever sent it', async () => {
  const { sender, payment } = await newPermit();
  const transaction = await sendSettlement(sender, payment);
  const sum = { payments: 1, amount: CHARGE };
  expect(await compare(payment, await blockOf(transaction), transaction)).toEqual({
    ...{ kinds: [], undecided: [], moved: sum, ledger: sum },
  });
});

test('finds a permit that has moved to another block', async () => {
  const { sender, payment } = await newPermit();
  await sendSettlement(sender, payment);
  const other = `0x${'11'.repeat(32)}` as const;
  expect(await compare(payment, await headBlock(), other)).toMatchObject({ kinds: ['moved'] });
});

test('misses a permit that its payer has cancelled, and one that is unused', async () => {
  const one = await newPermit();
  const cancelled = await cancelPermit(one.payer, one.payment);
  const block = await blockOf(cancelled);
  expect(await compare(one.payment, block, cancelled)).toMatchObject({ kinds: ['missing'] });
  const { payment } = await newPermit();
  const unused = await compare(payment, await headBlock(), cancelled);
  expect(unused).toMatchObject({ kinds: ['missing'], undecided: [] });
});
