import type { Declarations } from './declaration.ts';

/** The members about money in the entry of an accepted or parked call. */
const ACCEPTED = {
  asset: 'text',
  payTo: 'text',
  paidBy: 'text',
  creditTo: 'text?',
  grant: 'text?',
  lender: 'text?',
} as const;

const ANSWER = { success: 'flag', status: 'number', digest: 'text' } as const;

const ENDED = { state: 'text', paidBy: 'text', kept: 'flag?', credited: 'text?' } as const;

const payments = '/admin/settlements/:account/:call';

/** Entries about a call, from its acceptance to refunds of its charge. */
export const CALL_TYPES = {
  'call.accepted': {
    ...{ name: 'call accepted', signed: 'proof', prompt: false, projects: ['calls'] },
    decision: ['go', 'settle'],
    amounts: ['price'],
    payment: ACCEPTED,
  },
  'call.parked': {
    ...{ name: 'call waits for a person', signed: 'proof', prompt: false, projects: [] },
    decision: ['parked'],
    amounts: ['price'],
    outcome: { until: 'number', asked: 'text', above: 'text', approver: 'text' },
    payment: ACCEPTED,
  },
  'call.approved': {
    ...{ name: 'call approved', signed: 'approval', prompt: true, projects: [] },
    routes: {
      owner: ['POST /accounts/:account/approvals/:call/approve'],
      operator: ['POST /admin/approvals/:account/:call/approve'],
    },
    decision: ['approved'],
    amounts: ['price'],
    outcome: { until: 'number' },
    repeats: ['policy'],
  },
  'call.refused': {
    ...{ name: 'call refused', signed: 'approval', prompt: true, projects: ['calls'] },
    routes: {
      owner: ['POST /accounts/:account/approvals/:call/refuse'],
      operator: ['POST /admin/approvals/:account/:call/refuse'],
    },
    decision: ['refused', 'expired'],
    amounts: ['price', 'charged'],
    outcome: { reason: 'text' },
    payment: { ...ACCEPTED, state: 'text' },
    repeats: ['policy', 'payment.paidBy', 'payment.asset'],
  },
  'call.denied': {
    ...{ name: 'call denied', signed: 'denial', prompt: false, projects: [] },
    decision: ['denied'],
    amounts: ['price'],
    outcome: {
      account: 'text',
      limit: 'limit?',
      param: 'text?',
      grant: 'text?',
      authority: 'text?',
      after: 'number',
    },
    payment: { asset: 'text', payTo: 'text', creditTo: 'text?' },
  },
  'call.dispatched': {
    ...{ name: 'call dispatched to the tool', signed: 'nothing', prompt: false, projects: [] },
  },
  'call.finished': {
    ...{ name: 'call ended', signed: 'nothing', prompt: false, projects: ['calls', 'credit'] },
    decision: ['committed', 'released', 'abandoned'],
    amounts: ['charged', 'credited?'],
    outcome: { ...ANSWER, reason: 'text', basis: 'text?', usage: 'json?', rates: 'text?' },
    payment: ENDED,
    repeats: ['policy', 'payment.paidBy'],
  },
  'call.late': {
    name: 'tool answered after the call had ended',
    ...{ signed: 'nothing', prompt: false, projects: ['calls'] },
    amounts: ['charged'],
    outcome: ANSWER,
  },
  'call.abandoned': {
    name: 'call ended without an answer',
    ...{ signed: 'nothing', prompt: false, projects: ['calls', 'credit'] },
    decision: ['committed', 'released', 'abandoned'],
    amounts: ['charged', 'credited?'],
    outcome: { reason: 'text' },
    payment: ENDED,
    repeats: ['payment.paidBy'],
  },
  'call.resolved': {
    name: 'held amount decided by an operator',
    ...{ signed: 'order', prompt: false, projects: ['calls', 'credit'] },
    routes: { operator: [`POST ${payments}/resolve`] },
    decision: ['charged', 'released'],
    amounts: ['charged', 'before'],
    outcome: { reason: 'text', authorization: 'text?' },
    payment: { state: 'text', paidBy: 'text' },
  },
  'call.refunded': {
    ...{ name: 'call refunded', signed: 'order', prompt: true, projects: ['calls', 'credit'] },
    routes: { operator: ['POST /admin/calls/:account/:call/refund'] },
    amounts: ['amount', 'refunded'],
    outcome: { reason: 'text' },
    payment: { asset: 'text', paidBy: 'text', to: 'text' },
    repeats: ['payment.paidBy', 'payment.asset'],
  },
} as const satisfies Declarations;
