import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Bound, bind, bound } from './support/bound.ts';
import { openPayments, SEPOLIA, useHouse } from './support/house.ts';
import { retryKey } from './support/intent.ts';
import { readOffer, readProblem } from './support/offer.ts';
import {
  isUsed,
  newAccount,
  type Payment,
  sign,
  settled,
  trustedAccount,
  v2,
} from './support/payment.ts';
import { lookup, translate } from './support/world.ts';

const OLD = people.payTo.toLowerCase() as Hex;
const NEW = newAccount().address.toLowerCase() as Hex;
const KEEPER = `${SEPOLIA}:${OLD}`;

const moved = {
  PAY_TO: JSON.stringify({ [SEPOLIA]: NEW }),
  FORMER_PAY_TO: JSON.stringify({ [SEPOLIA]: [OLD] }),
  GATEWAY_ACCOUNT: KEEPER,
};

const house = useHouse();
let agent: LocalAccount;
/** Payments to the old payee that the gateway accepted and has not settled. */
let open: Bound[];
/** A payment signed for the old payee's offer and sent only after the change. */
let late: Payment;
let ran: number;

/** How often the upstream ran tools, all together. */
const runs = async (): Promise<number> =>
  Object.values(await house.now().counts()).reduce((sum, each) => sum + each, 0);

beforeAll(async () => {
  const world = house.now();
  agent = await trustedAccount(world, { reports: 2, balance: 1_000_000n });
  // An operator added this tool at run time. The gateway's own account stores it.
  await house.management().call('tools.put', {
    params: { tool: 'added' },
    body: {
      ...{ id: 'added', method: 'GET', path: '/tools/added', description: 'Was added.' },
      ...{ price: '$0.002', settlement: 'deferred', upstream: '/whoami' },
    },
  });
  house.settling(false);
  open = [];
  for (const call of [translate, lookup, translate]) {
    const payment = await bind(world, agent, call);
    open.push(payment);
    await world.send(call, bound(payment));
  }
  late = await sign(world, agent, translate);
  await openPayments(house, 3);
});

describe('a payee that changes with money in flight', () => {
  it('is not changed before doctor has seen it: the settings that drop it fail', async () => {
    expect(await house.doctor({ PAY_TO: moved.PAY_TO })).toMatchObject([
      { name: 'change of settings', status: 'fail', hint: `Set GATEWAY_ACCOUNT = "${KEEPER}".` },
      {
        ...{ name: 'change of settings', status: 'fail' },
        says: expect.stringContaining('3 open payments of $0.041') as string,
        hint: `Add it to FORMER_PAY_TO at "${SEPOLIA}".`,
      },
    ]);
    expect(await house.doctor(moved)).toEqual([]);
  });

  it('is offered no more, and doctor counts what is open under it', async () => {
    const world = await house.deploy(moved);
    expect((await world.offer(translate)).accepts[0].payTo.toLowerCase()).toBe(NEW);
    expect((await world.offer({ path: '/tools/added' })).accepts[0].amount).toBe('2000');
    expect(await openPayments(house, 3)).toMatchObject({
      gateway_account: KEEPER,
      payees: [
        { payee: NEW, state: 'offered', calls: 0, open_payments: 0 },
        { payee: OLD, state: 'former', open_payments: 3, open_amount: '41000' },
      ],
    });
    const [check] = await house.doctor(moved);
    expect(check).toMatchObject({
      ...{ name: 'former payee', status: 'warn', hint: 'Keep it in FORMER_PAY_TO until then.' },
      says: expect.stringContaining(`${OLD} on base-sepolia: 3 open payments of $0.041`) as string,
    });
  });

  it('answers repeats of the calls that were paid for it', async () => {
    ran = await runs();
    const [payment] = open;
    if (payment === undefined) throw new Error('no payment');
    const headers = { ...bound(payment), ...retryKey(payment.intent) };
    expect((await house.now().send(translate, headers)).status).toBe(200);
    expect(await runs()).toBe(ran);
  });

  it('takes no new payment: an agent with the old offer gets a new one and pays once', async () => {
    const world = house.now();
    const refused = await world.send(translate, v2(late));
    expect(refused.status).toBe(400);
    expect(await readProblem(refused)).toMatchObject({
      type: 'urn:countersign:problem:recipient-mismatch',
      ...{ expected: NEW, got: OLD },
    });
    expect(await runs()).toBe(ran);
    const offer = await world.send(translate);
    expect([offer.status, readOffer(offer).accepts[0].payTo.toLowerCase()]).toEqual([402, NEW]);
    house.settling(true);
    const paid = await sign(world, agent, translate);
    expect((await world.send(translate, v2(paid))).status).toBe(200);
    expect(await runs()).toBe(ran + 1);
    await settled(world, paid);
    expect(await house.balanceOf(NEW)).toBe(20_000n);
  });

  it('gets every payment that was accepted for it, and ledger and chain agree for both', async () => {
    for (const payment of open) await house.present(payment);
    for (const payment of open) await settled(house.now(), payment);
    await openPayments(house, 0);
    const sums = house.ledger();
    expect(sums).toEqual({ [OLD]: 141_000n, [NEW]: 20_000n });
    expect([await house.balanceOf(OLD), await house.balanceOf(NEW)]).toEqual([
      sums[OLD],
      sums[NEW],
    ]);
    expect(await isUsed(house.now(), late)).toBe(false);
  });

  it('may go after all has ended, as doctor says', async () => {
    expect(await house.doctor(moved)).toMatchObject([
      { status: 'warn', says: expect.stringContaining('no open payment, 5 calls') as string },
    ]);
    await house.pass(4_300);
    expect(await house.doctor(moved)).toMatchObject([
      { status: 'ok', says: expect.stringContaining('it may go from FORMER_PAY_TO') as string },
    ]);
    expect(await house.doctor({ PAY_TO: moved.PAY_TO, GATEWAY_ACCOUNT: KEEPER })).toMatchObject([
      { name: 'former payee', status: 'ok' },
    ]);
  });
});
