import type { Address } from '../../src/core/hex.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';

/**
 * The payments that the relayer took and that have not ended, by key, with counts by payer and by receiving address. The counts are kept,
 * so that taking one more payment costs the same with ten thousand pending.
 */
export class PendingPayments extends Map<string, Pending> {
  /** Payments by payer, and those to other sellers by receiving address. */
  readonly #ofPayer = new Map<Address, number>();
  readonly #facilitated = new Map<Address, number>();
  #facilitatedTotal = 0;
  #characters = 0;

  constructor(payments: readonly Pending[]) {
    super();
    for (const one of payments) this.set(one.key, one);
  }

  override set(key: string, payment: Pending): this {
    this.#count(this.get(key), -1);
    this.#count(payment, 1);
    return super.set(key, payment);
  }

  override delete(key: string): boolean {
    this.#count(this.get(key), -1);
    return super.delete(key);
  }

  override clear(): void {
    for (const key of this.keys()) this.delete(key);
  }

  /** Payments of a payer. */
  ofPayer(payer: Address): number {
    return this.#ofPayer.get(payer) ?? 0;
  }

  /** Payments to all other sellers, or to one of their addresses. */
  facilitated(to?: Address): number {
    return to === undefined ? this.#facilitatedTotal : (this.#facilitated.get(to) ?? 0);
  }

  /** Characters of all signatures, which are most of the memory if contracts sign. */
  characters(): number {
    return this.#characters;
  }

  #count(payment: Pending | undefined, by: 1 | -1): void {
    if (payment === undefined) return;
    const { account, authorization, signature } = payment;
    add(this.#ofPayer, authorization.from, by);
    this.#characters += by * signature.length;
    if (account !== undefined) return;
    this.#facilitatedTotal += by;
    add(this.#facilitated, authorization.to, by);
  }
}

/** Adds to a count, and forgets a count of zero. */
const add = (counts: Map<Address, number>, of: Address, by: 1 | -1): void => {
  const count = (counts.get(of) ?? 0) + by;
  if (count === 0) counts.delete(of);
  else counts.set(of, count);
};
