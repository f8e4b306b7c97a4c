import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openRandom } from '../../falsify/random.ts';
import type { Bazaar } from './buyers.ts';
import type { ChaosOptions } from './options.ts';
import { BLOCK_TIME, type ChaosStage, RELAYER } from './stage.ts';
import { befall, type Sky, upheavalsOf } from './incidents.ts';
import { weatherOf } from './chain-faults.ts';

/** Above so many open payments nothing more is bought: the local queue breaks beyond ten thousand messages. */
const MOST_OPEN = 1_500;
/** Payments to one upheaval. */
const CALM = 200;
const LEAST_UPHEAVALS = 6;
const PROGRESS_MS = 5_000;
/** Runs of fewer payments are short: so are their troubles. */
const LONG_RUN = 1_000;

/** Everybody buys, while one upheaval follows the other. */
export const tradeUnderFire = async (
  { payments, seed, faults, say }: ChaosOptions,
  stage: ChaosStage,
  bazaar: Bazaar,
  market: Parameters<Bazaar['trade']>[0],
): Promise<void> => {
  const random = openRandom(`upheavals ${seed}`);
  const count = Math.max(LEAST_UPHEAVALS, Math.ceil(payments / CALM));
  const isLong = payments >= LONG_RUN;
  const sky: Sky = {
    stage,
    weather: weatherOf(stage.stack.chain.client, BLOCK_TIME, RELAYER.address),
    longest: isLong ? 12_000 : 4_000,
    stall: isLong ? 20_000 : 6_000,
  };
  let open = 0;
  const watch = setInterval(() => {
    open = openPayments(stage.directory) ?? open;
    say(
      `${bazaar.accepted()} of ${payments} payments accepted, ${bazaar.purchases.length} purchases, ${open} payments open`,
    );
  }, PROGRESS_MS);
  const trading = bazaar.trade(market, () => open > MOST_OPEN);
  const isOver = { over: false };
  void trading.finally(() => {
    isOver.over = true;
  });
  const raging = (async () => {
    for (const [at, upheaval] of upheavalsOf(count, faults, random).entries()) {
      const due = ((at + 1) * payments) / (count + 1);
      while (bazaar.accepted() < due && !isOver.over)
        await new Promise((resolve) => setTimeout(resolve, 100));
      if (isOver.over) return;
      say(`  ${upheaval}`);
      await befall(sky, upheaval, random.fork(`upheaval ${at}`));
    }
  })();
  try {
    await Promise.all([trading, raging]);
  } finally {
    bazaar.close();
    clearInterval(watch);
  }
};

/** What the gateway itself counts as open, in the database of its reports. Undefined while that cannot be read. */
const openPayments = (directory: string): number | undefined => {
  const folder = join(directory, 'state/v3/d1/miniflare-D1DatabaseObject');
  try {
    for (const name of readdirSync(folder).filter((each) => /^[0-9a-f]{64}\.sqlite$/.test(each))) {
      const database = new DatabaseSync(join(folder, name), { readOnly: true, timeout: 1_000 });
      try {
        const row = database.prepare('SELECT count(*) AS open FROM open_payments').get();
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
