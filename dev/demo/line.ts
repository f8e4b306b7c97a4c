/** What `npm run demo -- --json` prints as its last line. Amounts are atomic units of USDC. */
export type Line = {
  /** The call that is repeated afterwards, and what became of its payment. */
  readonly paid: {
    readonly status: number;
    readonly charged: string;
    /** The call id: the nonce of the payment. */
    readonly payment: string;
    readonly settled: boolean;
    /** Hash of the transaction that moved the money; empty if none did. */
    readonly transaction: string;
  };
  readonly replayed: {
    readonly status: number;
    /** How often the tool ran for the call and its repeat. */
    readonly executions: number;
  };
  /** A payment that has bought one call, sent to another tool. */
  readonly moved: { readonly status: number; readonly type: string };
  /** A call above the limit. */
  readonly refused: { readonly status: number; readonly type: string; readonly rule: string };
  readonly balances: { readonly agent: Change; readonly payTo: Change };
  /** Entries of the agent's audit log. */
  readonly audit: number;
};

export type Change = { readonly before: string; readonly after: string };
