import type { Declarations } from './declaration.ts';

const payments = '/admin/settlements/:account/:call';

/** Any dead letter: the entry about a payment does not name it. */
const LETTER = 'POST /admin/dead-letters/:letter/redrive';

/** Entries about payments, credit and lent limits. */
export const MONEY_TYPES = {
  'payment.settled': {
    name: 'payment settled',
    ...{ signed: 'reveal', prompt: false, projects: ['calls', 'credit'] },
    decision: ['committed', 'released', 'abandoned'],
    amounts: ['amount', 'charged?'],
    payment: { transaction: 'text', block: 'number', credited: 'text?', cleared: 'text?' },
  },
  'payment.failed': {
    name: 'payment failed',
    ...{ signed: 'reveal', prompt: false, projects: ['calls', 'credit'] },
    routes: { operator: [`POST ${payments}/write-off`] },
    decision: ['released'],
    amounts: ['amount', 'charged?'],
    outcome: { reason: 'text' },
    payment: { fault: 'text', reason: 'text', transaction: 'text?' },
  },
  'payment.released': {
    ...{ name: 'payment released', signed: 'nothing', prompt: false, projects: ['calls'] },
    decision: ['released'],
    amounts: ['amount', 'charged?'],
    payment: { reason: 'text' },
  },
  'payment.bounced': {
    ...{ name: 'payment tried again', signed: 'nothing', prompt: false, projects: [] },
    amounts: ['amount'],
    payment: { reason: 'text', until: 'number', backend: 'text?' },
  },
  'settlement.redriven': {
    name: 'payment presented again by an operator',
    ...{ signed: 'order', prompt: true, projects: [] },
    routes: { operator: [`POST ${payments}/redrive`, LETTER] },
    payment: { state: 'text' },
  },
  'letter.redriven': {
    name: 'message sent again by an operator',
    ...{ signed: 'order', prompt: false, projects: [] },
    routes: { operator: [LETTER] },
    outcome: { letter: 'text', queue: 'text' },
  },
  'credit.received': {
    ...{ name: 'credit received', signed: 'nothing', prompt: false, projects: [] },
    amounts: ['amount', 'total'],
    payment: { asset: 'text', from: 'text' },
  },
  'credit.refunded': {
    ...{ name: 'credit paid out', signed: 'order', prompt: false, projects: ['credit'] },
    routes: { operator: ['POST /admin/credits/refunds'] },
    amounts: ['amount'],
    outcome: { call: 'text' },
    payment: { asset: 'text', transaction: 'text', block: 'number', log: 'number' },
  },
  'credit.lent': {
    ...{ name: 'credit spent by an agent', signed: 'nothing', prompt: false, projects: ['credit'] },
    amounts: ['amount'],
    payment: { asset: 'text', to: 'text', grant: 'text' },
  },
  'credit.adjusted': {
    ...{ name: 'credit adjusted', signed: 'order', prompt: true, projects: ['credit'] },
    routes: { operator: ['POST /admin/accounts/:account/credit'] },
    decision: ['added', 'taken'],
    amounts: ['amount'],
    outcome: { reason: 'text' },
    payment: { asset: 'text', credit: 'text' },
  },
  'lease.closed': {
    ...{ name: 'lent limit returned', signed: 'lease', prompt: false, projects: [] },
    outcome: { counters: 'json' },
    payment: { asset: 'text', to: 'text', grant: 'text' },
  },
} as const satisfies Declarations;
