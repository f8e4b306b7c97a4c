import * as z from 'zod/mini';
import { reasonText } from '../protocol/wire-fields.ts';
import {
  account,
  amount,
  asset,
  commandOutcome,
  datedPageOf,
  hash,
  listQuery,
  oneOf,
  time,
} from './fields.ts';
import { type AdminRole, OPERATOR, READERS, type RouteTable, SMALL_BODY } from './route.ts';

/** Excludes the account whose call waits, even without a parent: no agent may decide on a call of its own. */
const DECIDERS: readonly AdminRole[] = ['above'];

export const APPROVAL_STATES = ['waiting', 'approved', 'refused', 'expired', 'used'] as const;

/** Without a state: calls that wait for a person. */
const approvalsQuery = listQuery({ state: z.exactOptional(oneOf(APPROVAL_STATES)) });

/** A call that waits or waited for a person, as the log describes it. */
export const approvalItem = z.strictObject({
  account,
  /** The label of the account, if it has one and the reader may read the account. */
  label: z.exactOptional(z.string()),
  call: hash,
  state: z.enum(APPROVAL_STATES),
  tool: z.string(),
  request: hash,
  asset,
  price: amount,
  /** The account whose policy requires the approval, and its threshold. */
  asked: account,
  above: amount,
  policy: hash,
  /** The lowest ancestor that may decide; operators and every higher ancestor may, too. Absent: only operators. */
  approver: z.exactOptional(account),
  parked_at: time,
  /** Until when a person may approve the call, and its caller run it. */
  expires_at: time,
  decided_by: z.exactOptional(account),
  decided_role: z.exactOptional(z.string()),
  decided_at: z.exactOptional(time),
  reason: z.exactOptional(z.string()),
});

const refusalBody = z.strictObject(
  { reason: z.exactOptional(reasonText) },
  'must be an object {reason?}',
);

export const APPROVAL_ROUTES = {
  'approvals.list': {
    path: 'GET /admin/approvals',
    roles: OPERATOR,
    query: approvalsQuery,
    summary: 'Lists calls that wait for a person, oldest first',
    answer: datedPageOf(approvalItem),
    readsLog: true,
  },
  'account.approvals': {
    path: 'GET /accounts/:account/approvals',
    roles: READERS,
    query: approvalsQuery,
    summary: 'Lists calls of an account and its descendants that wait for a person, oldest first',
    answer: datedPageOf(approvalItem),
    readsLog: true,
  },
  'account.approval': {
    path: 'GET /accounts/:account/approvals/:call',
    roles: READERS,
    summary: 'Shows one call that waits for a person, or did',
    answer: approvalItem,
  },
  'approvals.approve': {
    path: 'POST /admin/approvals/:account/:call/approve',
    roles: OPERATOR,
    summary: 'Approves a call that waits: its caller may run it, once',
    answer: commandOutcome,
  },
  'approvals.refuse': {
    path: 'POST /admin/approvals/:account/:call/refuse',
    roles: OPERATOR,
    body: refusalBody,
    maxBody: SMALL_BODY,
    summary: 'Refuses a call that waits, and releases its hold',
    answer: commandOutcome,
  },
  'account.approve': {
    path: 'POST /accounts/:account/approvals/:call/approve',
    roles: DECIDERS,
    summary: 'Approves a call of a descendant that waits: its caller may run it, once',
    answer: commandOutcome,
  },
  'account.refuse': {
    path: 'POST /accounts/:account/approvals/:call/refuse',
    roles: DECIDERS,
    body: refusalBody,
    maxBody: SMALL_BODY,
    summary: 'Refuses a call of a descendant that waits, and releases its hold',
    answer: commandOutcome,
  },
} as const satisfies RouteTable;
