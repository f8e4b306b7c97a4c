import * as z from 'zod/mini';
import type { policySchema } from '../policy/policy.ts';
import { commandOutcome, documentOf } from './fields.ts';
import { OPERATOR, POLICY_BODY, READERS, type RouteTable, WRITERS } from './route.ts';

/** A policy as JSON (docs/policy.md): amounts as `"$5.00"` or `"5000000u"`. */
export type PolicyDocument = z.input<typeof policySchema>;

/** The account parses the policy and names its faults. */
export const policyBody = documentOf<PolicyDocument>('must be a policy, a JSON object');

/** A policy as the account keeps it, amounts in dollars. */
export const policyDocument = z.custom<PolicyDocument>();

export const POLICY_ROUTES = {
  'accounts.policy.get': {
    path: 'GET /admin/accounts/:account/policy',
    roles: OPERATOR,
    summary: "Shows the operator's policy for an account",
    answer: policyDocument,
    etag: true,
  },
  'accounts.policy.put': {
    path: 'PUT /admin/accounts/:account/policy',
    roles: OPERATOR,
    body: policyBody,
    maxBody: POLICY_BODY,
    precondition: 'etag',
    dryRun: true,
    summary: "Sets the operator's policy for an account",
    answer: commandOutcome,
  },
  'accounts.policy.delete': {
    path: 'DELETE /admin/accounts/:account/policy',
    roles: OPERATOR,
    precondition: 'etag',
    summary: "Removes the operator's policy for an account",
    answer: commandOutcome,
  },
  'account.policy.get': {
    path: 'GET /accounts/:account/policy',
    roles: READERS,
    summary: "Shows the owner's policy for an account",
    answer: policyDocument,
    etag: true,
  },
  'account.policy.put': {
    path: 'PUT /accounts/:account/policy',
    roles: WRITERS,
    body: policyBody,
    maxBody: POLICY_BODY,
    precondition: 'etag',
    dryRun: true,
    summary: "Sets the owner's policy for an account and its descendants",
    answer: commandOutcome,
  },
  'account.policy.delete': {
    path: 'DELETE /accounts/:account/policy',
    roles: WRITERS,
    precondition: 'etag',
    summary: "Removes the owner's policy for an account",
    answer: commandOutcome,
  },
} as const satisfies RouteTable;
