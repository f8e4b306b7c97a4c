import type { Hex } from '../../core/hex.ts';
import type { BudgetFault } from './command-fault.ts';

/** A command that another account of the tree is about to apply, charged to this account's budget. Each `id` counts once. */
export type CommandCharge = {
  readonly budget: 'own' | 'grant' | 'stop' | 'descendants';
  readonly bytes: number;
  readonly id: Hex;
};

export type ChargedCommand =
  | { readonly verdict: 'charged' }
  | { readonly verdict: 'refused'; readonly fault: BudgetFault }
  | { readonly verdict: 'unavailable' };
