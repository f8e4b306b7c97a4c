import * as z from 'zod/mini';
import type { Address } from '../../core/hex.ts';
import { payees as payeeList } from '../../protocol/wire-fields.ts';
import type { Rule } from '../rule.ts';

/** The wildcard for every payee. An owner must name it explicitly. */
export const ANY_PAYEE: Address = `0x${'ff'.repeat(20)}`;

export type PayeesFields = {
  /** Receivers of money; `ANY_PAYEE` for all. An empty list allows none. */
  readonly payees?: readonly Address[];
};

/** Denies paid calls to payees that are not on the list. */
export const payees = {
  shape: { payees: z.exactOptional(payeeList) },
  denials: {
    payee: {
      subject: 'The account may not pay this payee.',
      hint: 'Ask the owner of the account to allow payments to the payTo address of the offer.',
    },
  },
  check: (policy, _, { price, payTo }) =>
    price === 0n ||
    policy.payees === undefined ||
    policy.payees.includes(payTo) ||
    policy.payees.includes(ANY_PAYEE)
      ? undefined
      : { rule: 'payee' },
} satisfies Rule<PayeesFields, 'payee'>;
