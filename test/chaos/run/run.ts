import { people } from '../../../dev/stack/people.ts';
import { usdc, usdcAbi } from '../../../dev/stack/usdc.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { type Book, readBooks } from '../support/account-records.ts';
import { type Bazaar, openBazaar } from './buyers.ts';
import { readChain } from './chain-record.ts';
import { type Findings, sumUp } from './findings.ts';
import type { ChaosOptions } from './options.ts';
import { type Payer, payersOf } from './payer.ts';
import { comeToRest } from './drain.ts';
import { type ChaosStage, startChaosStage } from './stage.ts';
import { tradeUnderFire } from './buy-during-incidents.ts';
import { openTricks } from './attacks.ts';
import { openUnrest } from './fault-source.ts';
import { judgeAftermath } from './check-run.ts';

/** Purchases under way at once. */
const CLIENTS = 64;

/** Buys, pays and cheats in a world in which everything goes wrong, lets it come to rest, and says what must not be. */
export const runChaos = async (options: ChaosOptions): Promise<Findings> => {
  const began = performance.now();
  const { say, seed, faults } = options;
  const unrest = openUnrest(options);
  const payers = payersOf(options.payers, seed, faults.has('payer'));
  let bazaar: Bazaar | undefined;
  let isClean = false;
  const stage = await startChaosStage(
    options,
    unrest,
    async (number) => await bazaar?.runs(number),
  );
  const { chain, gateway } = stage.stack;
  // Dead without having been killed: nobody would ever hear an answer.
  const crashed = stage.stack.crashed.then((why) => {
    throw new Error(why);
  });
  crashed.catch(() => undefined);
  try {
    await Promise.all(
      payers.map(async ({ keys, funds }) => {
        for (const { address } of keys) await chain.fund(address, funds);
      }),
    );
    bazaar = openBazaar(
      options,
      payers,
      CLIENTS,
      async (payer, nonce) =>
        await chain.client.readContract({
          ...{ address: usdc.address, abi: usdcAbi, functionName: 'authorizationState' },
          args: [payer, nonce],
        }),
    );
    const trading = tradeUnderFire(options, stage, bazaar, {
      gateway: gateway.url,
      audience: gateway.audience,
      tricks: openTricks(chain.client, seed),
      now: () => Math.floor(Date.now() / 1000),
    });
    await Promise.race([trading, crashed]);
    say(
      `${bazaar.purchases.length} purchases, ${bazaar.accepted()} payments accepted; no further faults`,
    );
    unrest.end();
    const restless = await calm(stage, payers, bazaar.ends(), say);
    const books = (await readBooks(stage.directory)) as ReadonlyMap<AccountId, Book>;
    const record = await readChain(chain.client);
    const balance = await chain.balanceOf(people.payTo);
    const { purchases } = bazaar;
    const verdict = await judgeAftermath({ payers, purchases, books, chain: record, balance });
    const seconds = Math.round((performance.now() - began) / 1000);
    const calls = stage.facilitators.reduce((sum, { asked }) => sum + asked(), 0);
    const wrongs = [...restless, ...verdict.wrongs];
    const findings = sumUp(books, { ...verdict, wrongs }, record, calls, seconds);
    isClean = findings.wrongs.length === 0;
    return findings;
  } finally {
    await stage.stop();
    if (isClean) await stage.forget();
    else say(`state and log of the gateway stay in ${stage.directory}`);
  }
};

const calm = async (
  stage: ChaosStage,
  payers: readonly Payer[],
  ends: readonly number[],
  say: ChaosOptions['say'],
): Promise<readonly string[]> => {
  const { client } = stage.stack.chain;
  const idsOf = (some: readonly Payer[]) => some.flatMap(({ keys }) => keys.map(({ id }) => id));
  await stage.control({ calm: true, accounts: [] });
  for (const facilitator of stage.facilitators) facilitator.restart();
  return await comeToRest({
    stage,
    say,
    ends,
    honest: idsOf(payers.filter(({ trick }) => trick === undefined)),
    others: idsOf(payers.filter(({ trick }) => trick !== undefined)),
    pass: async (seconds) => {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
  });
};
