import { random16 } from '../../src/core/hex.ts';
import { ok } from '../../src/core/result.ts';
import { BUILT_IN_POLICY, parseDefaultPolicy, policyHash } from '../../src/policy/policy.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { parseCommandBytes } from '../../src/protocol/account/command-budget.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { openDecisionSpans } from '../store/decision-spans.ts';
import {
  type Decide as StoreDecide,
  type GroupCommit,
  openGroupCommit,
} from '../store/group-commit.ts';
import { CALL } from './call/stored-call.ts';
import { openSince, releasedOf } from './call/open-calls.ts';
import { MAX_RELEASED } from './call/account-rates.ts';
import type { Context } from './decision.ts';
import { withAlerts } from './log/alerts.ts';
import { type Memory, nextDue, remember, wake } from './memory.ts';
import { ACCOUNT, type AccountState } from './state.ts';

/** The decisions of one account, on the engine that `store/group-commit.ts` describes. */
export type Ledger = GroupCommit<AccountState, Context, Memory>;

export type Decide<Verdict> = StoreDecide<AccountState, Context, Memory, Verdict>;

/** The operator's settings for every account. */
type Rules = Pick<Context, 'policy' | 'policyHash' | 'commandBytes'>;

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
      openSince: (asset) => openSince(memory, asset),
      characters: memory.characters,
    }),
    complete: withAlerts,
    remember,
    exportedOf: ({ exported }) => exported,
    nextDue,
    openSpans: openDecisionSpans,
    afterCommit,
  });

/** An absent variable counts as empty, as it does for the Worker. */
const variableOf = (text: string | undefined): string => text?.trim() ?? '';

/** The operator's settings for every account, parsed once per object. An unreadable setting denies every call (law 8). */
export const openRules = (env: Env): (() => Rules) => {
  let rules: Rules | undefined;
  return () => {
    if (rules !== undefined) return rules;
    const text = variableOf(env.DEFAULT_POLICY);
    const policy = text === '' ? ok(BUILT_IN_POLICY) : parseDefaultPolicy(JSON.parse(text));
    if (!policy.ok) throw new Error('DEFAULT_POLICY is malformed');
    const commandBytes = parseCommandBytes(variableOf(env.COMMAND_BYTES_PER_DAY));
    if (commandBytes === undefined) throw new Error('COMMAND_BYTES_PER_DAY is malformed');
    rules = { policy: policy.value, policyHash: policyHash(policy.value), commandBytes };
    return rules;
  };
};
