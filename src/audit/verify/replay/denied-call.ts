import type { Hex } from '../../../core/hex.ts';
import type { Subject } from '../../../policy/rule.ts';
import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedAccount } from './account.ts';
import type { Binding } from './binding.ts';

/** A denied call with the state on which it was evaluated. For a parked call, `account` no longer has the call's hold. */
export type DeniedCall = {
  readonly account: ReplayedAccount;
  readonly entry: Entry;
  readonly subject: Subject;
  readonly binding: Binding;
  /** The grant of the call; undefined if the account had chosen none. */
  readonly grant: Hex | undefined;
};
