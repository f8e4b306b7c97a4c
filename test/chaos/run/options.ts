/** The arrows on which something may go wrong. */
export const FAULTS = ['facilitator', 'node', 'chain', 'queue', 'worker', 'payer'] as const;
export type Fault = (typeof FAULTS)[number];

/** What a run is asked for. */
export type ChaosOptions = {
  /** Payments that must be accepted before it ends. */
  readonly payments: number;
  readonly payers: number;
  readonly seed: number;
  readonly faults: ReadonlySet<Fault>;
  /** Whether our own key takes part. */
  readonly relayer: boolean;
  /** Told how it goes. */
  readonly say: (line: string) => void;
};
