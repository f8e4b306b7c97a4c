import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, ALICE, committed, history, settled, START, word } from '../audit/history.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { store, totalsOf, line } from './ledger-world.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

const GAS = 'eip155:84532/slip44:60';

const DAY = 86_400;

beforeEach(freshDatabase);

describe('the cost of settlement', () => {
  const relay = (transaction: number, day: string, fee: string) =>
    db
      .prepare(`INSERT INTO relays VALUES ('eip155:84532', ?1, ?2, ?3, 1, 2, 90000, ?4)`)
      .bind(word(transaction), day, START, fee)
      .run();
  /** Calls whose payments settled in these transactions. */
  const by = (...transactions: readonly number[]): readonly EntryBody[] =>
    transactions.flatMap((transaction, at) => [
      accepted(at + 1),
      committed(at + 1),
      { ...settled(at + 1), payment: { transaction: word(transaction), block: 1 } },
    ]);
  const feeOn = (network: string) => (network === 'eip155:84532' ? 1_000n : 7n);

  test('counts a facilitator’s fee for each transaction that is not the relayer’s', async () => {
    await store(history(ALICE, by(901, 901, 902, 903)));
    await relay(903, '2027-01-15', '1');
    expect(line(await totalsOf({ feeOn }), 'fees')).toEqual([`2027-01-15 ${ASSET} 2 2000`]);
    expect(line(await totalsOf(), 'fees')).toEqual([]);
  });

  test('finds the relayer’s transactions whatever the day of their block', async () => {
    const lateDay = START + 5 * DAY;
    await store(
      history(ALICE, [
        accepted(1),
        committed(1),
        { ...settled(1, lateDay), payment: { transaction: word(901), block: 1 } },
        accepted(2, START + 10 * DAY),
        committed(2, START + 10 * DAY),
        { ...settled(2, START + 11 * DAY), payment: { transaction: word(902), block: 1 } },
      ]),
    );
    await relay(901, '2027-01-17', '1');
    await relay(902, '2027-01-25', '1');
    expect(line(await totalsOf({ feeOn }), 'settled')).toHaveLength(2);
    expect(line(await totalsOf({ feeOn }), 'fees')).toEqual([]);
  });

  test('counts gas to the wei, by network, apart from money', async () => {
    const [one, other] = ['98765432109876543210', '1999999999'];
    await relay(901, '2027-01-15', one);
    await relay(902, '2027-01-15', other);
    await relay(903, '2027-01-16', '5');
    await relay(904, '2027-12-31', '7');
    await db
      .prepare(`INSERT INTO relays VALUES ('eip155:8453', ?1, '2027-01-15', 1, 1, 1, 1, '3')`)
      .bind(word(905))
      .run();
    expect(line(await totalsOf({ to: '2027-01-16' }), 'gas')).toEqual([
      `2027-01-15 eip155:8453/slip44:60 1 3`,
      `2027-01-15 ${GAS} 2 ${BigInt(one) + BigInt(other)}`,
      `2027-01-16 ${GAS} 1 5`,
    ]);
  });
});
