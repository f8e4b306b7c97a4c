/** The figures that bound how many unmined transactions a key may have. */
export type Room = {
  /** Gas that all transactions of a block may use together. */
  readonly blockGas: number;
  /** Gas that a payment has used lately. */
  readonly gasPerPayment: number;
  /** Payments in one transaction. */
  readonly batch: number;
  /** Keys of the gateway that share the chain. */
  readonly keys: number;
};

/** Even if few transactions fit into a block, the node should know those of the next block before it is made. */
const LEAST = 4;
/**
 * Nodes keep 16 transactions of one sender in any case (`txpool.accountslots` of geth, `txpool.max-account-slots` of reth); further ones
 * may be dropped while the pool is full.
 */
const MOST = 10;

/** Transactions that are not in a block, at most: as many as fill a block, shared by all keys. */
export const flightsFor = ({ blockGas, gasPerPayment, batch, keys }: Room): number =>
  Math.max(LEAST, Math.min(MOST, Math.floor(blockGas / (gasPerPayment * batch * keys))));
