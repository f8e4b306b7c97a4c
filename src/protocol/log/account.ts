import type { Declarations } from './declaration.ts';

const policies = (base: '/accounts' | '/admin/accounts') =>
  [`PUT ${base}/:account/policy`, `DELETE ${base}/:account/policy`] as const;

/** Entries about an account, its grants, and what the gateway's own account keeps and publishes. */
export const ACCOUNT_TYPES = {
  'grant.issued': {
    ...{ name: 'grant signed for an agent', signed: 'grant', prompt: false, projects: [] },
    decision: ['offered', 'active'],
  },
  'grant.accepted': {
    ...{ name: 'grant used by its agent', signed: 'nothing', prompt: false, projects: [] },
    outcome: { grant: 'text', delegate: 'text' },
  },
  'grant.taken': {
    ...{ name: 'grant received', signed: 'grant', prompt: false, projects: [] },
    outcome: { above: 'texts' },
  },
  'grant.revoked': {
    ...{ name: 'grant revoked', signed: 'revocation', prompt: false, projects: [] },
  },
  'grant.default': {
    ...{ name: 'default grant changed', signed: 'order', prompt: false, projects: [] },
    routes: { owner: ['PUT /accounts/:account/default-grant'], operator: [] },
  },
  'account.status': {
    ...{ name: 'status changed', signed: 'any', prompt: true, projects: [] },
    routes: {
      owner: ['PUT /accounts/:account/status'],
      operator: ['PUT /admin/accounts/:account/status'],
    },
    decision: ['active', 'paused', 'frozen', 'revoked'],
    outcome: { side: 'text', status: 'text' },
  },
  'account.policy': {
    ...{ name: 'budget changed', signed: 'any', prompt: true, projects: [] },
    routes: { owner: policies('/accounts'), operator: policies('/admin/accounts') },
    decision: ['owner', 'operator'],
    outcome: { hash: 'nullable' },
  },
  'account.label': {
    ...{ name: 'name changed', signed: 'order', prompt: true, projects: [] },
    routes: { owner: ['PUT /accounts/:account'], operator: ['PUT /admin/accounts/:account'] },
    outcome: { label: 'nullable' },
  },
  'account.erased': {
    ...{ name: 'label and answers erased', signed: 'order', prompt: true, projects: [] },
    routes: {
      owner: ['DELETE /accounts/:account/data'],
      operator: ['DELETE /admin/accounts/:account/data'],
    },
    outcome: { label: 'flag', until: 'number' },
  },
  'account.screened': {
    ...{ name: 'account screened', signed: 'nothing', prompt: false, projects: [] },
    decision: ['clear', 'listed', 'unanswered'],
    outcome: { account: 'text', source: 'text', passes: 'flag', at: 'number' },
  },
  'policy.default': {
    ...{ name: 'default policy published', signed: 'text', prompt: false, projects: [] },
    outcome: { hash: 'text' },
  },
  'tool.listed': {
    ...{ name: 'tool published', signed: 'text', prompt: false, projects: [] },
    outcome: { name: 'text', hash: 'text' },
  },
  'tool.put': {
    ...{ name: 'tool changed', signed: 'order', prompt: true, projects: [] },
    routes: { operator: ['PUT /admin/tools/:name'] },
    outcome: { name: 'text', hash: 'text' },
  },
  'tool.removed': {
    ...{ name: 'tool removed', signed: 'order', prompt: true, projects: [] },
    routes: { operator: ['DELETE /admin/tools/:name'] },
    outcome: { name: 'text' },
  },
  'webhook.put': {
    ...{ name: 'webhook changed', signed: 'order', prompt: true, projects: [] },
    routes: {
      owner: ['PUT /accounts/:account/webhooks/:hook'],
      operator: ['PUT /admin/webhooks/:hook'],
    },
    outcome: { name: 'text', hash: 'text' },
  },
  'webhook.removed': {
    ...{ name: 'webhook removed', signed: 'any', prompt: true, projects: [] },
    routes: {
      owner: ['DELETE /accounts/:account/webhooks/:hook'],
      operator: ['DELETE /admin/webhooks/:hook'],
    },
    outcome: { name: 'text' },
  },
  'secret.put': {
    ...{ name: 'secret stored', signed: 'order', prompt: true, projects: [] },
    routes: { operator: ['PUT /admin/secrets/:name', 'POST /admin/secrets/rewrap'] },
    outcome: { name: 'text', hash: 'text' },
  },
  'secret.removed': {
    ...{ name: 'secret removed', signed: 'order', prompt: true, projects: [] },
    routes: { operator: ['DELETE /admin/secrets/:name'] },
    outcome: { name: 'text' },
  },
  'alert.raised': {
    ...{ name: 'alert raised', signed: 'nothing', prompt: true, projects: [] },
    outcome: 'any',
  },
  'archive.written': {
    ...{ name: 'log archived', signed: 'nothing', prompt: false, projects: [] },
    outcome: { name: 'text', sha256: 'text', bytes: 'number', entries: 'number' },
  },
} as const satisfies Declarations;
