import type { Tool } from '../catalog/tool.ts';
import type { AccountId } from '../core/account-id.ts';
import type { Dispatched } from './dispatch.ts';
import type { Observed } from './observe.ts';
import type { Reserved } from './reserve.ts';

/** What a caller wants done for a price: a tool called, or credit bought. Every errand goes the same way (design §3). */
export type Errand = {
  readonly tool: Tool;
  readonly observed: Observed;
  /** As it came: its headers name the caller, the proof, and what the upstream may see. */
  readonly request: Request;
  /** The money becomes credit: of this account, or where none is named of the payer's own. */
  readonly topUp?: { readonly to: AccountId | undefined };
  /** Does it, once it is permitted. Never throws. */
  readonly run: (permitted: Reserved) => Promise<Dispatched>;
};
