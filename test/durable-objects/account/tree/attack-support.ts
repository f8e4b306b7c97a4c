import { runDurableObjectAlarm } from 'cloudflare:test';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Noun } from '../../../../durable-objects/store/noun.ts';
import { onDisk, snapshotOf, stubOf } from '../../support.ts';
import { LONG } from '../../tree-support.ts';

export const DAY = 86_400;
export const windowOf = (limit: number) => ({ windows: [{ every: LONG, limit: `${limit}u` }] });
export const WINDOW = `window:${LONG}s`;

export const countOf = <Value, Fields extends string>(
  payer: Hex,
  noun: Noun<Value, Fields>,
): Promise<number> => onDisk(payer, (disk) => disk.count(noun));

/** D1 has every entry and the alarm ran: everything that can be pruned is gone. */
export const tidy = async (payer: Hex): Promise<void> => {
  await stubOf(payer).exported((await snapshotOf(payer)).seq);
  await runDurableObjectAlarm(stubOf(payer));
};
