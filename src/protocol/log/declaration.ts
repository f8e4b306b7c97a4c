/** The signed data that an entry of a type must have. `any`: a command, or the grant or revocation that caused the entry. */
export type Signed =
  | 'proof'
  | 'denial'
  | 'reveal'
  | 'grant'
  | 'revocation'
  | 'order'
  | 'approval'
  | 'text'
  | 'lease'
  | 'any'
  | 'nothing';

/** An object inside of a member, or a list of such objects (`PARTS`). */
export type PartName =
  | 'limit'
  | 'policies'
  | 'intent'
  | 'authorization'
  | 'delegation'
  | 'revocation';

/** The form of a member in JSON; with `?` it may be absent. `texts`: a list of strings. `nullable`: a string, or null. */
type Form = 'text' | 'number' | 'flag' | 'texts' | 'nullable' | 'json' | PartName;

/** The members of `evidence`, `outcome` or `payment`, by name. `any`: names that other code chooses. */
export type Members = 'any' | { readonly [name: string]: Form | `${Form}?` };

/** What the audit consumer updates for an entry: the row of its call, or the totals of credit. */
type Projected = 'calls' | 'credit';

/**
 * The routes whose commands write an entry, by the role of their signer: the intent of a command names one of them. `:account` and `:call` are
 * those of the entry, `:name` is in its outcome, `:hook` the part of that name after its owner.
 */
type Routes =
  | 'signer'
  | { readonly operator: readonly string[]; readonly owner?: readonly string[] };

type Common = {
  /** The type in words, for people. */
  readonly name: string;
  /** Whether a person waits for the entry: it then leaves the account at once, instead of when open calls have ended. */
  readonly prompt: boolean;
  readonly projects: readonly Projected[];
  /** The values of `decision`, or `text` for any; absent if the entry has none. */
  readonly decision?: 'text' | readonly [string, ...string[]];
  /** Names of `amounts`; with `?` it may be absent. */
  readonly amounts?: readonly string[];
  readonly outcome?: Members;
  readonly payment?: Members;
  /** Only for an entry about a call: the members that it always repeats from the acceptance. A verifier compares them. */
  readonly repeats?: readonly ('policy' | 'payment.paidBy' | 'payment.asset')[];
};

/** A type of entry: its members, its signature, and its effects. */
export type Declaration = Common &
  (
    | { readonly signed: 'order' | 'approval' | 'any'; readonly routes: Routes }
    | { readonly signed: 'reveal'; readonly routes?: Routes }
    | { readonly signed: Exclude<Signed, 'order' | 'approval' | 'any' | 'reveal'> }
  );

export type Declarations = { readonly [type: string]: Declaration };
