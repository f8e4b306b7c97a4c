import { readLogKey } from '../../src/audit/log/log-key.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type {
  Appended,
  AuditLogRpc,
  LogHead,
  StoredRun,
} from '../../src/protocol/audit-log-contract.ts';
import { type Before, type Log, openLog } from './log.ts';
import { openTables } from './tables.ts';

export type OpenLog = {
  readonly log: Log;
  readonly append: (runs: readonly StoredRun[]) => Promise<readonly Appended[]>;
  readonly headsOf: AuditLogRpc['headsOf'];
  readonly onAlarm: () => Promise<void>;
};

type Settings = { readonly LOG_KEY?: string };

/** How long a log waits for a key that can be read. */
const NO_KEY_MS = 60_000;

/** Opens the log of an object. */
export const openAuditLog = async (
  { id, storage }: DurableObjectState,
  env: Env,
): Promise<OpenLog> => {
  const origin = id.name ?? '';
  const tables = openTables(storage);
  const log = openLog(tables);
  let alarmAt = await storage.getAlarm();

  /** One alarm for all that is due: appends while it is set need no further row. */
  const setAlarm = async (): Promise<void> => {
    const dueAt = log.dueAt(nowSeconds());
    if (dueAt === undefined || alarmAt !== null) return;
    alarmAt = dueAt * 1_000;
    await storage.setAlarm(alarmAt);
  };

  const headsOf = async (
    accounts: readonly AccountId[],
  ): Promise<readonly (LogHead | undefined)[]> => {
    const own = accounts.map(log.headOf);
    const unknown = accounts.filter((_, at) => own[at] === undefined);
    const yearBefore = unknown.length === 0 ? undefined : logOfYearBefore(origin, env);
    // Ends with the first log: one without a leaf asks no other.
    if (yearBefore === undefined || tables.tree() === undefined) return own;
    const found = await yearBefore.headsOf(unknown);
    const older = new Map(unknown.map((account, at) => [account, found[at]]));
    return accounts.map((account, at) => own[at] ?? older.get(account));
  };

  /** What the logs of the years before end with, for accounts of which this log has no leaf. */
  const before = async (runs: readonly StoredRun[]): Promise<Before | undefined> => {
    const unknown = [...new Set(runs.map(({ account }) => account))].filter(
      (account) => log.headOf(account) === undefined,
    );
    const yearBefore = logOfYearBefore(origin, env);
    if (unknown.length === 0 || yearBefore === undefined) return undefined;
    const heads = await yearBefore.headsOf(unknown);
    const known = unknown.flatMap((account, at): [AccountId, LogHead][] => {
      const head = heads[at];
      return head === undefined ? [] : [[account, head]];
    });
    const { checkpoint } = tables.tree() === undefined ? await yearBefore.status() : {};
    return { checkpoint, heads: new Map(known) };
  };

  return {
    log,
    headsOf,
    async append(runs) {
      const verdicts = log.append(runs, await before(runs));
      await setAlarm();
      await storage.sync();
      return verdicts;
    },
    async onAlarm() {
      alarmAt = null;
      const key = await readLogKey((env as Settings).LOG_KEY ?? '', origin);
      if (!key.ok || key.value === undefined) {
        console.error({
          event: 'audit_log_unsigned',
          log: origin,
          reason: key.ok ? 'LOG_KEY is not set' : key.error,
        });
        alarmAt = Date.now() + NO_KEY_MS;
        await storage.setAlarm(alarmAt);
        return;
      }
      // Nothing is signed that a crash could undo: a log that forgets a signed tree would sign another one of the same size.
      await storage.sync();
      await log.sign(key.value, nowSeconds());
      await setAlarm();
    },
  };
};

const YEAR = /^(?<log>.+\/log\/)(?<year>\d{4})$/;

const logOfYearBefore = (origin: string, env: Env): AuditLogRpc | undefined => {
  const { log, year } = YEAR.exec(origin)?.groups ?? {};
  return log === undefined || year === undefined
    ? undefined
    : env.AUDIT_LOG.getByName(`${log}${Number(year) - 1}`);
};
