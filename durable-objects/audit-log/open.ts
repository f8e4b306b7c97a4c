import { type LogKeySettings, readLogKeys } from '../../src/audit/log/log-key.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import {
  type Appended,
  type AuditLogRpc,
  FIRST_YEAR,
  type LogHead,
  type StoredRun,
} from '../../src/protocol/audit-log-contract.ts';
import { raiser } from '../../src/webhooks/alerts.ts';
import { gatewayAccount } from '../../src/config/config.ts';
import { readGatewayAccount, readPayTo } from '../../src/config/payees.ts';
import { readReach } from '../../src/config/settings.ts';
import { readWitnesses, type Witness } from '../../src/config/witness-setting.ts';
import { type Before, type Log, openLog } from './log.ts';
import { openTables } from './tables.ts';
import { openWitnessTable } from './witness-table.ts';
import { openWitnesses } from './witnesses.ts';
import { objectOf } from '../../src/protocol/jurisdiction.ts';

export type OpenLog = {
  readonly log: Log;
  readonly append: (runs: readonly StoredRun[]) => Promise<readonly Appended[]>;
  readonly headsOf: AuditLogRpc['headsOf'];
  readonly knowsAnchor: AuditLogRpc['knowsAnchor'];
  readonly onAlarm: () => Promise<void>;
};

type Settings = LogKeySettings & {
  readonly WITNESSES?: string;
  readonly LOCAL_STACK?: string;
  readonly AUDIENCES?: string;
  readonly PAY_TO?: string;
  readonly GATEWAY_ACCOUNT?: string;
};

/** How long a log waits before it tries to read its key again. */
const NO_KEY_MS = 60_000;

/** Opens the log of an object. */
export const openAuditLog = async (
  { id, storage }: DurableObjectState,
  env: Env,
): Promise<OpenLog> => {
  const origin = id.name ?? '';
  const tables = openTables(storage);
  const witnesses = openWitnesses({
    witnesses: witnessesIn(env),
    table: openWitnessTable(storage),
    tree: () => {
      const tree = tables.tree();
      return tree?.checkpoint === undefined
        ? undefined
        : { size: tree.signed, checkpoint: tree.checkpoint, proveGrowth: log.proveGrowth };
    },
    raise: async (alert) => {
      const self = ownAccount(env);
      return self !== undefined && raiser(env)(self, alert);
    },
    now: nowSeconds,
    onAnswered: async () => setAlarm(),
  });
  const log = openLog(tables, witnesses.linesFor);
  let alarmAt = await storage.getAlarm();
  /** Whether the alarm is only for witnesses: then no checkpoint is due yet. */
  let isForWitnesses = false;

  /** One alarm for all due work, so that appends while it is set write no further row. */
  const setAlarm = async (): Promise<void> => {
    const now = nowSeconds();
    const signAt = log.dueAt(now) ?? Number.POSITIVE_INFINITY;
    const askAt = Math.max(now + 1, witnesses.dueAt() ?? Number.POSITIVE_INFINITY);
    const dueAt = Math.min(signAt, askAt) * 1_000;
    if (!Number.isFinite(dueAt) || (alarmAt !== null && alarmAt <= dueAt)) return;
    alarmAt = dueAt;
    isForWitnesses = askAt < signAt;
    await storage.setAlarm(alarmAt);
  };

  const headsOf = async (
    accounts: readonly AccountId[],
  ): Promise<readonly (LogHead | undefined)[]> => {
    const own = accounts.map(log.headOf);
    const unknown = accounts.filter((_, at) => own[at] === undefined);
    const yearBefore = unknown.length === 0 ? undefined : logOfYearBefore(origin, env);
    // Ends with the first log: a log without a leaf asks no earlier one.
    if (yearBefore === undefined || tables.tree() === undefined) return own;
    const found = await yearBefore.headsOf(unknown);
    const older = new Map(unknown.map((account, at) => [account, found[at]]));
    return accounts.map((account, at) => own[at] ?? older.get(account));
  };

  const knowsAnchor = async (anchor: Uint8Array): Promise<boolean> =>
    log.hasAnchor(anchor) ||
    (tables.tree() !== undefined &&
      ((await logOfYearBefore(origin, env)?.knowsAnchor(anchor)) ?? false));

  /** The final state of the logs of earlier years, for accounts of which this log has no leaf. */
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
    knowsAnchor,
    async append(runs) {
      const verdicts = log.append(runs, await before(runs));
      await setAlarm();
      await storage.sync();
      return verdicts;
    },
    async onAlarm() {
      const isDue = !isForWitnesses;
      alarmAt = null;
      isForWitnesses = false;
      const keys = await readLogKeys(env as Settings, origin);
      const [key, ...more] = keys.ok ? keys.value : [];
      if (key === undefined) {
        console.error({
          event: 'audit_log_unsigned',
          log: origin,
          reason: keys.ok ? 'LOG_KEY is not set' : keys.error,
        });
        alarmAt = Date.now() + NO_KEY_MS;
        await storage.setAlarm(alarmAt);
        return;
      }
      // Sign only durable trees: a log that lost a signed tree in a crash would sign a different one of the same size.
      await storage.sync();
      if (isDue) await log.sign([key, ...more], nowSeconds());
      await storage.sync();
      witnesses.ask();
      await setAlarm();
    },
  };
};

/** The witnesses of the deployment. A faulty variable counts as no witness: `doctor` reports the fault, and the log continues. */
const witnessesIn = (env: Env): readonly Witness[] => {
  const { WITNESSES = '', LOCAL_STACK = '', AUDIENCES = '' } = env as Settings;
  if (WITNESSES.trim() === '') return [];
  const reach = readReach(LOCAL_STACK.trim(), AUDIENCES.trim());
  const read = readWitnesses(WITNESSES, reach.ok ? reach.value : 'public');
  if (read.ok) return read.value;
  console.error({ event: 'witnesses_unread', faults: read.error });
  return [];
};

/** The account that raises alerts about the gateway itself. */
const ownAccount = (env: Env): AccountId | undefined => {
  const { PAY_TO = '', GATEWAY_ACCOUNT = '' } = env as Settings;
  const payTo = readPayTo(PAY_TO.trim());
  const gateway = readGatewayAccount(GATEWAY_ACCOUNT.trim());
  const [network] = payTo.ok ? payTo.value.keys() : [];
  return payTo.ok && gateway.ok && network !== undefined
    ? gatewayAccount({ gateway: gateway.value, networks: [network], payTo: payTo.value })
    : undefined;
};

const YEAR = /^(?<log>.+\/log\/)(?<year>\d{4})$/;

const logOfYearBefore = (origin: string, env: Env): AuditLogRpc | undefined => {
  const { log, year } = YEAR.exec(origin)?.groups ?? {};
  // Waking the object of a year without a log costs a request, and every append for a new account would wake it.
  return log === undefined || year === undefined || Number(year) <= FIRST_YEAR
    ? undefined
    : objectOf(env, env.AUDIT_LOG, `${log}${Number(year) - 1}`);
};
