import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Bound, bind, bound, callOf } from './support/bound.ts';
import { openPayments, SEPOLIA, useHouse } from './support/house.ts';
import { retryKey } from './support/intent.ts';
import { lookUp } from './support/look-up.ts';
import { kindOf, readProblem } from './support/offer.ts';
import { settled, sign, trustedAccount, v2 } from './support/payment.ts';
import { sendRaw } from './support/raw.ts';
import { verify } from './support/receipt.ts';
import { translate, whoami } from './support/world.ts';

const OLD = people.payTo.toLowerCase();
const ARBITRUM = 'eip155:421614';
const SECOND = 'http://second.example';
/** The chain node of the network that the gateway sells on. No call of these tests reaches it. */
const elsewhere = 'http://127.0.0.1:9';

const house = useHouse();
let agent: LocalAccount;
let payment: Bound;
/** A payment under the second audience. */
let other: Bound;
let first: string;

/** Sends the call with the second audience as its Host. */
const toSecond = async (headers: Readonly<Record<string, string>>) =>
  sendRaw(house.now().stack.description.gateway, {
    path: translate.path,
    method: 'POST',
    headers: [
      ['Host', 'second.example'],
      ['Content-Type', translate.contentType ?? ''],
      ['Content-Length', String(Buffer.from(translate.body ?? '').byteLength)],
      ...Object.entries(headers),
    ],
    body: translate.body ?? '',
  });
const repeat = async () =>
  house.now().send(translate, { ...bound(payment), ...retryKey(payment.intent) });

beforeAll(async () => {
  agent = await trustedAccount(house.now(), { reports: 2, balance: 1_000_000n });
  first = house.now().stack.description.audience;
  house.settling(false);
  payment = await bind(house.now(), agent, translate);
  await house.now().send(translate, bound(payment));
  await openPayments(house, 1);
});

describe('an audience that changes with calls in flight', () => {
  it('is honoured beside the new one, and each signs as itself', async () => {
    await house.deploy({ AUDIENCES: `${SECOND},${first}` });
    expect((await repeat()).status).toBe(200);
    expect((await lookUp(house.now(), agent, callOf(payment))).status).toBe(200);
    other = await bind(house.now(), agent, translate, { audience: SECOND });
    const answer = await toSecond(bound(other));
    expect(answer.status, answer.text).toBe(200);
    const receipt = answer.headers['agent-receipt'] ?? '';
    expect(await verify(house.now(), receipt, 'agent-receipt+jwt')).toMatchObject({ iss: SECOND });
    await openPayments(house, 2);
    const says = `${first} is in use: 1 open payment, `;
    expect(await house.doctor({ AUDIENCES: `${SECOND},${first}` })).toMatchObject([
      { name: 'audience', status: 'ok', says: expect.stringContaining(says) as string },
    ]);
    expect(await house.doctor({ AUDIENCES: SECOND })).toMatchObject([
      { name: 'audience' },
      {
        name: 'change of settings',
        status: 'fail',
        hint: 'Add it to AUDIENCES, after the new one.',
      },
    ]);
  });
});

describe('a network that closes with payments in flight', () => {
  const closing = {
    PAY_TO: JSON.stringify({ [ARBITRUM]: OLD }),
    FORMER_PAY_TO: JSON.stringify({ [SEPOLIA]: [OLD] }),
    GATEWAY_ACCOUNT: `${SEPOLIA}:${OLD}`,
  };
  const variables = () => ({
    ...closing,
    // The same deployment drops the old audience, which is too early.
    AUDIENCES: SECOND,
    RPC_URLS: JSON.stringify({
      [ARBITRUM]: [elsewhere],
      [SEPOLIA]: [house.now().stack.description.rpc],
    }),
  });

  it('settles, is looked up, and sells nothing', async () => {
    const late = await sign(house.now(), agent, translate);
    const world = await house.deploy(variables());
    const offer = await world.offer(translate);
    expect(offer.accepts.map(({ network }) => network)).toEqual([ARBITRUM]);
    expect(await readProblem(await world.send(translate, v2(late)))).toMatchObject({
      type: 'urn:countersign:problem:recipient-mismatch',
      expected: `a payee on ${ARBITRUM}`,
    });
    house.settling(true);
    for (const each of [payment, other]) await house.present(each);
    for (const each of [payment, other]) await settled(world, each);
    await openPayments(house, 0);
    expect(house.ledger()).toEqual({ [OLD]: 140_000n });
    expect(await house.balanceOf(`0x${OLD.slice(2)}`)).toBe(140_000n);
    const found = await lookUp(world, agent, callOf(payment), { audience: SECOND });
    expect(await found.json()).toMatchObject({ state: 'committed', payment: 'settled' });
    const challenge = await world.send(whoami);
    expect(challenge.headers.get('WWW-Authenticate')).toContain(`chains="${ARBITRUM} ${SEPOLIA}"`);
  });

  it('never answers a repeat for the dropped audience with 402', async () => {
    const answer = await repeat();
    expect([answer.status, kindOf(await readProblem(answer))]).toEqual([400, 'intent-mismatch']);
    expect(await house.doctor()).toMatchObject([
      { name: 'former payee', status: 'warn' },
      { name: 'audience', status: 'warn', says: expect.stringContaining(first) as string },
    ]);
  });
});
