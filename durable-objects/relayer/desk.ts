import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import type { Node } from '../../src/settlement/relayer/node.ts';
import type { Emit } from '../../src/settlement/telemetry.ts';
import type { Memory } from './memory.ts';
import type { ReportRecord } from './record.ts';
import type { Setup } from './setup.ts';
import type { Store } from './store.ts';

/** Whom the relayer tells. Each may fail: then it is told again. */
export type Audience = {
  /** @returns whether the account has stored what it heard. */
  readonly tell: (account: AccountId, results: readonly SettlementResult[]) => Promise<boolean>;
  /** Writes a final transaction into the books. */
  readonly book: (report: ReportRecord) => Promise<void>;
  /** Says that the key runs out of gas. @returns whether somebody has heard. */
  readonly warn: (detail: Readonly<Record<string, string | number>>) => Promise<boolean>;
  readonly emit: Emit;
};

/** What every step of the relayer works with. */
export type Desk = {
  readonly setup: Setup;
  readonly node: Node;
  readonly store: Store;
  readonly memory: Memory;
  readonly audience: Audience;
  readonly now: () => Seconds;
};
