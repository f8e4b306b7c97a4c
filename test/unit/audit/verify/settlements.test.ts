import { parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import {
  randomNonce,
  signAuthorization,
  submitAuthorization,
} from '../../../../dev/stack/authorization.ts';
import { connectChain, usdc } from '../../../../dev/stack/chain-access.ts';
import { createSettlements, nodesOf } from '../../../../src/audit/verify/settlements.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { sha256Hex, bytesOf } from '../../../../src/crypto/bytes.ts';
import { accountId } from '../../../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { findingOf } from '../../../support/verify-log.ts';
import { START } from '../history.ts';
import { logOf, TOKEN } from './signed-log.ts';

const chain = connectChain(inject('rpc'));
const { client } = chain;

type Payment = {
  readonly payer: Address;
  readonly accepted: EntryBody;
  readonly call: Hex;
  readonly settled: { readonly transaction: Hex; readonly block: number };
};

/** A payment that an account accepted and that settled on the chain. */
const pay = async (value: bigint): Promise<Payment> => {
  const account = privateKeyToAccount(generatePrivateKey());
  await client.setBalance({ address: account.address, value: parseEther('1') });
  await chain.fund(account.address, 1_000_000n);
  const signed = await signAuthorization({
    ...{ account, token: usdc, to: `0x${'0f'.repeat(20)}`, value, validAfter: 0n },
    ...{ nonce: randomNonce(), validBefore: BigInt(nowSeconds() + 3_600) },
  });
  const transaction = await submitAuthorization({ client, sender: account, token: usdc, signed });
  const { blockNumber } = await client.getTransactionReceipt({ hash: transaction });
  const { authorization, signature } = signed;
  const accepted: EntryBody = {
    type: 'call.accepted',
    at: START,
    call: authorization.nonce,
    evidence: {
      proof: 'x402',
      token: { ...TOKEN } as unknown as Json,
      authorization: {
        from: authorization.from.toLowerCase(),
        to: authorization.to.toLowerCase(),
        value: authorization.value.toString(),
        validAfter: authorization.validAfter.toString(),
        validBefore: authorization.validBefore.toString(),
        nonce: authorization.nonce,
      },
      signatureDigest: sha256Hex(bytesOf(signature)),
    },
  };
  return {
    payer: authorization.from.toLowerCase() as Address,
    accepted,
    call: authorization.nonce,
    settled: { transaction, block: Number(blockNumber) },
  };
};

let paid: Payment;
let other: Payment;
beforeAll(async () => {
  paid = await pay(1_000n);
  other = await pay(2_000n);
});

const findingWith = async (
  change: Partial<Payment['settled']>,
  accepted: EntryBody = paid.accepted,
  urls: readonly string[] = [inject('rpc')],
) => {
  const { call, payer, settled } = paid;
  const payment = { ...settled, ...change };
  const log = logOf(
    [accepted, { type: 'payment.settled', at: START, call, payment }],
    accountId(`eip155:84532`, payer),
  );
  return await findingOf(createSettlements(await nodesOf(urls)), log);
};

describe('a settled payment', () => {
  it('is proved by the transaction that moved its money', async () => {
    expect(await findingWith({})).toMatchObject({ verdict: 'proved', checked: 1 });
  });

  it('is broken if another transaction or another block is named', async () => {
    const { transaction } = other.settled;
    expect((await findingWith({ transaction })).first).toMatchObject({
      reason: 'other_transfer',
      seq: 2,
    });
    const block = paid.settled.block + 1;
    expect((await findingWith({ block })).first).toMatchObject({ reason: 'other_block' });
  });

  it('is broken if the chain moved another amount', async () => {
    const { evidence } = paid.accepted;
    const authorization = { ...(evidence?.['authorization'] as object), value: '1001' };
    const accepted = {
      ...paid.accepted,
      evidence: { ...evidence, authorization } as EntryBody['evidence'] & object,
    };
    expect((await findingWith({}, accepted)).first).toMatchObject({ reason: 'other_transfer' });
  });

  it('is broken if its nonce is unused, whatever transaction it names', async () => {
    const { evidence } = paid.accepted;
    const authorization = { ...(evidence?.['authorization'] as object), nonce: randomNonce() };
    const accepted = {
      ...paid.accepted,
      evidence: { ...evidence, authorization } as EntryBody['evidence'] & object,
    };
    const transaction = randomNonce();
    expect((await findingWith({ transaction }, accepted)).first).toMatchObject({
      reason: 'not_settled',
    });
  });

  it('is not checked if the node forgot the transaction, or if no node answers', async () => {
    const transaction = randomNonce();
    expect(await findingWith({ transaction })).toMatchObject({
      verdict: 'not checked',
      unchecked: 1,
    });
    const away = await findingWith({}, paid.accepted, ['http://127.0.0.1:9']);
    expect(away).toMatchObject({ verdict: 'not checked', unchecked: 1 });
    expect(away.note).toContain('84532');
  });
});
