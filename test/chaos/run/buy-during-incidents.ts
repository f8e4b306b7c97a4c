import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openRandom } from '../../falsify/random.ts';
import type { Buyers } from './buyers.ts';
import type { ChaosOptions } from './options.ts';
import { BLOCK_TIME, type ChaosStage, RELAYER } from './stage.ts';
import { cause, type IncidentTargets, incidentsOf } from './incidents.ts';
import { chainFaultsOf } from './chain-faults.ts';

/** Buying pauses above this many open payments: the local queue breaks beyond ten thousand messages. */
const MAX_OPEN = 1_500;
/** Payments between two incidents. */
const INTERVAL = 200;
const MIN_INCIDENTS = 6;
const PROGRESS_MS = 5_000;
/** Runs of fewer payments have shorter incidents. */
const LONG_RUN = 1_000;

/** Lets the buyers buy while incidents follow each other. */
export const buyDuringIncidents = async (
  { payments, seed, faults, print }: ChaosOptions,
  stage: ChaosStage,
  buyers: Buyers,
  context: Parameters<Buyers['trade']>[0],
): Promise<void> => {
  const random = openRandom(`incidents ${seed}`);
  const count = Math.max(MIN_INCIDENTS, Math.ceil(payments / INTERVAL));
  const isLong = payments >= LONG_RUN;
  const targets: IncidentTargets = {
    stage,
    chainFaults: chainFaultsOf(stage.stack.chain.client, BLOCK_TIME, RELAYER.address),
    longest: isLong ? 12_000 : 4_000,
    stall: isLong ? 20_000 : 6_000,
  };
  let open = 0;
  const watch = setInterval(() => {
    open = openPayments(stage.directory) ?? open;
    print(
      `${buyers.accepted()} of ${payments} payments accepted, ${buyers.purchases.length} purchases, ${open} payments open`,
    );
  }, PROGRESS_MS);
  const trading = buyers.trade(context, () => open > MAX_OPEN);
  const isOver = { over: false };
  void trading.finally(() => {
    isOver.over = true;
  });
  const causing = (async () => {
    for (const [at, incident] of incidentsOf(count, faults, random).entries()) {
      const due = ((at + 1) * payments) / (count + 1);
      while (buyers.accepted() < due && !isOver.over)
        await new Promise((resolve) => setTimeout(resolve, 100));
      if (isOver.over) return;
      print(`  ${incident}`);
      await cause(targets, incident, random.fork(`incident ${at}`));
    }
  })();
  try {
    await Promise.all([trading, causing]);
  } finally {
    buyers.close();
    clearInterval(watch);
  }
};

/** Reads the number of open payments from the gateway's D1. Returns undefined while it is locked or missing. */
const openPayments = (directory: string): number | undefined => {
  const folder = join(directory, 'state/v3/d1/miniflare-D1DatabaseObject');
  try {
    for (const name of readdirSync(folder).filter((each) => /^[0-9a-f]{64}\.sqlite$/.test(each))) {
      const database = new DatabaseSync(join(folder, name), { readOnly: true, timeout: 1_000 });
      try {
        const row = database
          .prepare("SELECT count(*) AS open FROM calls WHERE payment = 'open'")
          .get();
        return Number(row?.['open']);
      } finally {
        database.close();
      }
    }
  } catch {
    return undefined;
  }
  return undefined;
};
