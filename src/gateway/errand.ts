import type { Tool } from '../catalog/tool.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Checked } from './checked.ts';
import type { Dispatched } from './dispatch.ts';
import type { Head } from './head.ts';
import type { Observed } from './observe.ts';
import type { Reserved } from './reserve.ts';

/** What a caller wants done for a price: a tool called, or credit bought. Every errand goes the same way (design §3). */
export type Errand = {
  readonly tool: Tool;
  readonly head: Head;
  /** As it came: its headers name the caller, the proof, and what the upstream may see. */
  readonly request: Request;
  /** The money becomes credit: of this account, or where none is named of the payer's own. */
  readonly topUp?: { readonly to: AccountId | undefined };
  /** Begins what needs nobody's leave, then does the errand once it is permitted. Neither throws. */
  readonly begin: (
    observed: Observed,
    checked: Checked,
    attempt: Hex,
  ) => (permitted: Reserved) => Promise<Dispatched>;
};

/** An errand that has shown a proof, so that its body was read. */
export type ObservedErrand = Errand & { readonly observed: Observed };
