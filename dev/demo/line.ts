/** What `npm run demo -- --json` prints as its last line. Amounts are atomic units of USDC. */
export type Line = {
  /** The deferred call, and what became of its payment. */
  readonly paid: {
    readonly status: number;
    readonly charged: string;
    /** The call id: the nonce of the payment. */
    readonly payment: string;
    readonly settled: boolean;
    /** Hash of the transaction that moved the money; empty if none did. */
    readonly transaction: string;
  };
  /** The call whose answer got lost, asked for again. */
  readonly replayed: {
    readonly status: number;
    /** How often the tool ran for the call and its repeat. */
    readonly executions: number;
  };
  /** A payment that has bought one call, stripped of its intent and sent to another tool. */
  readonly moved: { readonly status: number; readonly type: string };
  /** A call above the limit. */
  readonly refused: { readonly status: number; readonly type: string; readonly rule: string };
  /** What was paid ahead, what the call from credit took of it, and what the gateway says is left. */
  readonly credit: { readonly toppedUp: string; readonly charged: string; readonly left: string };
  readonly balances: { readonly agent: Change; readonly payTo: Change };
  /** Entries of the agent's audit log. */
  readonly audit: number;
};

export type Change = { readonly before: string; readonly after: string };
