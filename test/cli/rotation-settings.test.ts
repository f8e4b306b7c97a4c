import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { newReceiptKey } from '../../src/cli/init/files.ts';
import { type Bound, bind, bound } from '../conformance/support/bound.ts';
import { SEPOLIA, useHouse } from '../conformance/support/house.ts';
import { settled, trustedAccount } from '../conformance/support/payment.ts';
import { translate } from '../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { type Home, useHome } from './support/home.ts';
import { putStackFile } from './support/stack.ts';

const house = useHouse();
const home = useHome();
let place: Home;
beforeEach(async () => {
  place = await putStackFile(house.now(), home());
});

const rotate = async (...words: readonly string[]): Promise<Ran> =>
  await pipe(place, ['keys', 'rotate', ...words, '--json']);
const stepOf = async (...words: readonly string[]): Promise<unknown> => {
  const ran = await rotate(...words);
  expect(ran.code, ran.stderr).toBe(0);
  return documentIn(ran)['step'];
};

const [OLD, NEW] = [people.relayer, people.facilitators[3]];
const relayersOf = (...keys: readonly (typeof OLD)[]) => ({
  RELAYERS: JSON.stringify({
    [SEPOLIA]: { addresses: keys.map(({ address }) => address), wait: 0 },
  }),
  RELAYER_KEY: keys.map(({ privateKey }) => privateKey).join(','),
});
const RELAYER = ['relayer', OLD.address, '--to', NEW.address] as const;
const OPERATOR = ['operator', 'operator', '--to', 'agent1'] as const;

/** `wrangler secret put RECEIPT_KEY`. */
const putReceiptKey = async (key: string): Promise<void> =>
  await writeFile(join(house.now().directory, 'receipt-key.json'), key);

/** Accepts a payment and returns it before it is settled. */
const accept = async (): Promise<Bound> => {
  const world = house.now();
  const agent = await trustedAccount(world, { reports: 1, balance: 100_000n });
  const payment = await bind(world, agent, translate);
  const answer = await world.send(translate, bound(payment));
  expect(answer.status).toBe(200);
  return payment;
};

test('leads operators through each deployment, and settles what was accepted with the old relayer', async () => {
  expect((await rotate('operator', 'agent2', '--to', 'agent3')).stderr).toContain('knows neither');
  expect(await stepOf(...OPERATOR)).toBe('add');
  expect((await rotate(...RELAYER, '--as', 'operator')).stderr).toContain('neither key as relayer');
  const receipt = documentIn(await rotate('receipt')) as {
    readonly current: string;
    readonly former: readonly object[];
  };
  expect(receipt.former).toHaveLength(1);

  await putReceiptKey(await newReceiptKey());
  await house.deploy({
    ...relayersOf(OLD, NEW),
    OPERATORS: `${people.operator.address},${people.agents[0].address}`,
    FORMER_RECEIPT_KEYS: JSON.stringify(receipt.former),
  });
  expect(await stepOf(...OPERATOR)).toBe('remove');
  expect(await stepOf('receipt', receipt.current)).toBe('done');
  const open = await accept();
  expect(['drain', 'remove']).toContain(await stepOf(...RELAYER, '--as', 'operator'));

  // The operator deploys without FORMER_RECEIPT_KEYS.
  await house.deploy({ ...relayersOf(NEW), OPERATORS: people.agents[0].address });
  expect(await stepOf(...OPERATOR)).toBe('done');
  expect((await rotate('receipt', receipt.current)).stderr).toContain('no longer verify');
  expect(await stepOf(...RELAYER, '--as', 'agent1')).toBe('done');
  // The removed relayer had accepted a payment and not sent it. The account presents it again within five minutes.
  await vi.waitFor(async () => await settled(house.now(), open), { timeout: 330_000 });
  await settled(house.now(), await accept());
}, 500_000);
