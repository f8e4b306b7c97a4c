import type { Hex, LocalAccount } from 'viem';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Bound, bind, bound } from './support/bound.ts';
import { openPayments, SEPOLIA, useHouse } from './support/house.ts';
import { isUsed, newAccount, settled, trustedAccount } from './support/payment.ts';
import { translate } from './support/world.ts';

const OLD = people.payTo.toLowerCase() as Hex;
const KEEPER = `${SEPOLIA}:${OLD}`;

/** Only the relayer settles: the facilitators would settle payments to any address. */
const dropped = {
  FACILITATORS: '[]',
  RELAYERS: JSON.stringify({ [SEPOLIA]: { addresses: [people.relayer.address], wait: 0 } }),
  RELAYER_KEY: people.relayer.privateKey,
  PAY_TO: JSON.stringify({ [SEPOLIA]: newAccount().address }),
  GATEWAY_ACCOUNT: KEEPER,
};

const house = useHouse();
let agent: LocalAccount;
let stranded: Bound;

beforeAll(async () => {
  agent = await trustedAccount(house.now(), { reports: 1, balance: 1_000_000n });
  // Writes the first entry of the gateway's own account: an account without stored state raises no alert (law 12).
  await house.management().call('webhooks.put', {
    params: { webhook: 'pager' },
    body: { url: 'http://127.0.0.1:9/', events: ['payee_missing'] },
  });
  house.settling(false);
  stranded = await bind(house.now(), agent, translate);
  await house.now().send(translate, bound(stranded));
  await openPayments(house, 1);
});

describe('a payee that is dropped too early', () => {
  it('loses nothing: its payment waits, an alert is raised, and doctor fails', async () => {
    await house.deploy(dropped);
    await house.present(stranded);
    await house.runScheduled();
    await vi.waitFor(
      async () => {
        const entries = await house.now().audit.entries(KEEPER);
        expect(entries.at(-1)).toMatchObject({
          ...{ type: 'alert.raised', rule: 'payee_missing' },
          outcome: { network: SEPOLIA, payee: OLD, payments: 1, amount: '20000' },
        });
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(await house.doctor(dropped)).toMatchObject([
      {
        ...{ name: 'former payee', status: 'fail' },
        says: expect.stringContaining('1 open payment of $0.02') as string,
        hint: expect.stringContaining('FORMER_PAY_TO') as string,
      },
    ]);
    expect(await isUsed(house.now(), stranded)).toBe(false);
  });

  it('is put back, and its payment settles', async () => {
    await house.deploy({ ...dropped, FORMER_PAY_TO: JSON.stringify({ [SEPOLIA]: [OLD] }) });
    await house.present(stranded);
    await settled(house.now(), stranded);
    await openPayments(house, 0);
    expect(house.ledger()).toEqual({ [OLD]: 70_000n });
    expect(await house.balanceOf(OLD)).toBe(70_000n);
  });
});
