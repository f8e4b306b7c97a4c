import * as z from 'zod/mini';
import {
  account,
  amount,
  asset,
  datedPageOf,
  hash,
  listQuery,
  payee,
  place,
  seconds,
  time,
  toolId,
} from './fields.ts';
import { OPERATOR, READERS, type RouteTable } from './route.ts';

/** Includes `from`, excludes `to`: times of the decision. */
const changesQuery = listQuery({
  tool: z.exactOptional(toolId),
  payee: z.exactOptional(payee),
  asset: z.exactOptional(asset),
  from: z.exactOptional(seconds),
  to: z.exactOptional(seconds),
});

const allChangesQuery = z.extend(changesQuery, { account: z.exactOptional(account) });

/** A later decision about the charge of an ended call. `seq`: its entry. `amount`: negative if the call got cheaper. */
const chargeChange = z.strictObject({
  account,
  label: z.exactOptional(z.string()),
  seq: place,
  at: time,
  call: hash,
  kind: z.enum(['resolved', 'refunded']),
  asset: z.exactOptional(asset),
  tool: z.exactOptional(z.string()),
  payee: z.exactOptional(z.string()),
  paid_by: z.exactOptional(z.string()),
  amount,
});

export const CHARGE_CHANGE_ROUTES = {
  'changes.list': {
    path: 'GET /admin/charge-changes',
    roles: OPERATOR,
    query: allChangesQuery,
    summary: 'Lists later changes of charges of all accounts',
    answer: datedPageOf(chargeChange),
    readsLog: true,
  },
  'account.changes': {
    path: 'GET /accounts/:account/charge-changes',
    roles: READERS,
    query: changesQuery,
    summary: 'Lists later changes of charges of an account',
    answer: datedPageOf(chargeChange),
    readsLog: true,
  },
} as const satisfies RouteTable;
