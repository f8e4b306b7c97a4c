import type { Entry } from '../../src/protocol/entry.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { random16 } from '../../src/core/hex.ts';
import {
  type Decide as StoreDecide,
  type GroupCommit,
  openGroupCommit,
} from '../store/group-commit.ts';
import { CALL } from './call/call-noun.ts';
import { MAX_RELEASED } from './call/pace.ts';
import { openSince } from './call/stuck.ts';
import type { Context } from './decision.ts';
import { withAlerts } from './log/alerts.ts';
import { type Memory, nextDue, releasedOf, remember, wake } from './memory.ts';
import { ACCOUNT, type AccountState } from './state.ts';

/** The decisions of one account, on the engine that `store/group-commit.ts` describes. */
export type Ledger = GroupCommit<AccountState, Context, Memory>;

export type Decide<Verdict> = StoreDecide<AccountState, Context, Memory, Verdict>;

/** The operator's settings for every account. */
export type Rules = Pick<Context, 'policy' | 'policyHash' | 'commandBytes'>;

export const openLedger = (
  account: AccountId,
  storage: DurableObjectStorage,
  rules: () => Rules,
  afterCommit: (memory: Memory, added: readonly Entry[]) => void,
): Ledger =>
  openGroupCommit<AccountState, Context, Memory>(storage, {
    name: account,
    state: ACCOUNT,
    wake: (disk, now) => wake(account, disk, now),
    readerOf: ({ whole }, disk) => ({
      ...disk,
      get: (noun, key) =>
        (noun.name === CALL.name
          ? (whole.load(key as `0x${string}`) as ReturnType<typeof noun.decode> | undefined)
          : undefined) ?? disk.get(noun, key),
    }),
    contextOf: (memory, read, now) => ({
      ...rules(),
      now,
      read,
      salt: random16,
      leaseParts: (issued) => memory.lessees.parts(issued, now),
      released: () => releasedOf(memory, MAX_RELEASED),
      openSince: (asset) => openSince(memory.live.values(), asset),
    }),
    complete: withAlerts,
    remember,
    nextDue,
    afterCommit,
  });
