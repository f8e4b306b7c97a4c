import * as z from 'zod/mini';
import { account, hash, label, page } from './fields.ts';

export const STATUSES = ['active', 'paused', 'frozen', 'revoked'] as const;
const status = z.enum(STATUSES, `must be one of ${STATUSES.join(', ')}`);

/** Accounts that a gateway knows: all, or those right below one. */
export const accountsQuery = z.strictObject({
  ...page,
  parent: z.exactOptional(account),
  status: z.exactOptional(status),
  label: z.exactOptional(label),
});

/** Null takes the label away. */
export const labelBody = z.strictObject(
  { label: z.nullable(label) },
  'must be an object {label}, with null for none',
);

export const statusBody = z.strictObject({ status }, 'must be an object {status}');

export const defaultGrantBody = z.strictObject({ grant: hash }, 'must be an object {grant}');

export const treeQuery = z.strictObject(page);
