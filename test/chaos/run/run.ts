import { people } from '../../../dev/stack/people.ts';
import { usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { type AccountRecord, readAccountRecords } from '../support/account-records.ts';
import { type Buyers, openBuyers } from './buyers.ts';
import { readChain } from './chain-record.ts';
import { type Findings, summarize } from './findings.ts';
import type { ChaosOptions } from './options.ts';
import { type Payer, payersOf } from './payer.ts';
import { drain } from './drain.ts';
import { type ChaosStage, startChaosStage } from './stage.ts';
import { buyDuringIncidents } from './buy-during-incidents.ts';
import { openAttacker } from './attacks.ts';
import { openFaultSource } from './fault-source.ts';
import { checkFinalState } from './check-run.ts';

/** Concurrent purchases. */
const CLIENTS = 64;

/** Makes honest and hostile purchases under faults, waits until all payments have ended, and checks every invariant. */
export const runChaos = async (options: ChaosOptions): Promise<Findings> => {
  const began = performance.now();
  const { print, seed, faults } = options;
  const faultSource = openFaultSource(options);
  const payers = payersOf(options.payers, seed, faults.has('payer'));
  let buyers: Buyers | undefined;
  let isClean = false;
  const stage = await startChaosStage(
    options,
    faultSource,
    async (number) => await buyers?.runs(number),
  );
  const { chain, gateway } = stage.stack;
  // If the gateway stopped by itself, every client would wait until its timeout.
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
    buyers = openBuyers(
      options,
      payers,
      CLIENTS,
      async (payer, nonce) =>
        await chain.client.readContract({
          ...{ address: usdc.address, abi: usdcAbi, functionName: 'authorizationState' },
          args: [payer, nonce],
        }),
    );
    const trading = buyDuringIncidents(options, stage, buyers, {
      gateway: gateway.url,
      audience: gateway.audience,
      attacker: openAttacker(chain.client, seed),
      now: () => Math.floor(Date.now() / 1000),
    });
    await Promise.race([trading, crashed]);
    print(
      `${buyers.purchases.length} purchases, ${buyers.accepted()} payments accepted; no further faults`,
    );
    faultSource.end();
    const restless = await calm(stage, payers, buyers.ends(), print);
    const records = (await readAccountRecords(stage.directory)) as ReadonlyMap<
      AccountId,
      AccountRecord
    >;
    const chainRecord = await readChain(chain.client);
    const balance = await chain.balanceOf(people.payTo);
    const { purchases } = buyers;
    const checked = await checkFinalState({
      payers,
      purchases,
      records,
      chain: chainRecord,
      balance,
    });
    const seconds = Math.round((performance.now() - began) / 1000);
    const calls = stage.facilitators.reduce((sum, { requests }) => sum + requests(), 0);
    const violations = [...restless, ...checked.violations];
    const findings = summarize(records, { ...checked, violations }, chainRecord, calls, seconds);
    isClean = findings.violations.length === 0;
    return findings;
  } finally {
    await stage.stop();
    if (isClean) await stage.forget();
    else print(`the state and the log of the gateway are kept in ${stage.directory}`);
  }
};

const calm = async (
  stage: ChaosStage,
  payers: readonly Payer[],
  ends: readonly number[],
  print: ChaosOptions['print'],
): Promise<readonly string[]> => {
  const { client } = stage.stack.chain;
  const idsOf = (some: readonly Payer[]) => some.flatMap(({ keys }) => keys.map(({ id }) => id));
  await stage.control({ calm: true, accounts: [] });
  for (const facilitator of stage.facilitators) facilitator.restart();
  return await drain({
    stage,
    print,
    ends,
    honest: idsOf(payers.filter(({ attack }) => attack === undefined)),
    others: idsOf(payers.filter(({ attack }) => attack !== undefined)),
    pass: async (seconds) => {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
  });
};
