import { setTimeout as pause } from 'node:timers/promises';
import { parseLeaf } from '../../src/audit/log/leaf.ts';
import { isClosed, readAccountRecords } from '../../test/chaos/support/account-records.ts';
import { openOperator } from '../stack/sell-tools.ts';
import { TIMEOUT_SECONDS } from './sold.ts';
import type { Stage } from './stage.ts';

/** Seconds after a crash until the gateway ends the attempts that died with it: the tool's timeout, the grace of a hold, and an alarm. */
export const DEAD_AFTER = TIMEOUT_SECONDS + 62;

const LOOK_MS = 500;

/**
 * Waits until every call and payment has ended and D1 has every entry.
 *
 * @returns the accounts that are not done in time
 */
export const untilSettled = async (
  directory: string,
  milliseconds: number,
): Promise<readonly string[]> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    // The database may be locked for a moment.
    const records = await readAccountRecords(directory).catch(() => undefined);
    const open = [...(records ?? [])].flatMap(([account, record]) =>
      isClosed(record) ? [] : [account],
    );
    if (records !== undefined && open.length === 0) return [];
    if (Date.now() > deadline) return records === undefined ? ['(no database)'] : open;
    await pause(LOOK_MS);
  }
};

/**
 * Waits until the transparency log has every entry. The log signs a checkpoint ten seconds after the one before at the earliest.
 *
 * @returns the accounts whose last entries the log lacks in time
 */
export const untilLogged = async (
  { directory, stack }: Pick<Stage, 'directory' | 'stack'>,
  milliseconds: number,
): Promise<readonly string[]> => {
  const deadline = Date.now() + milliseconds;
  const operator = openOperator(stack.gateway);
  for (;;) {
    const logged = new Map<string, number>();
    for await (const { leaf } of operator.list('log.leaves')) {
      const read = parseLeaf(leaf);
      if (read !== undefined) logged.set(read.account, read.last.seq);
    }
    const behind = [...(await readAccountRecords(directory))].flatMap(([account, { head }]) =>
      (logged.get(account) ?? 0) < head.seq ? [account] : [],
    );
    if (behind.length === 0 || Date.now() > deadline) return behind;
    await pause(LOOK_MS);
  }
};
