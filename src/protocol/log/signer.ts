import type { Declarations } from './declaration.ts';

/** Entries of a signer, which has routes of its own (docs/signer.md). */
const COMMAND = { signed: 'order', routes: 'signer', prompt: false, projects: [] } as const;

const OWN = { signed: 'nothing', prompt: false, projects: [], outcome: 'any' } as const;

export const SIGNER_TYPES = {
  'signer.signed': {
    ...{ ...OWN, name: 'signer signed', decision: ['sign'] },
    amounts: ['amount', 'lifetime'],
  },
  'signer.refused': {
    ...{ ...OWN, name: 'signer refused', decision: 'text' },
    amounts: ['amount', 'limit?', 'spent?'],
  },
  'signer.failed': { ...OWN, name: 'signer failed' },
  'signer.enrolled': {
    ...{ ...COMMAND, name: 'signer enrolled' },
    outcome: { policy: 'json', agents: 'json' },
  },
  'signer.policy': {
    ...{ ...COMMAND, name: 'policy of the signer changed' },
    outcome: { policy: 'json', agents: 'texts' },
  },
  'signer.revoked': {
    ...{ ...COMMAND, name: 'signer revoked' },
    outcome: { agents: 'texts', reason: 'text?' },
  },
  'signer.rotated': {
    ...{ ...COMMAND, name: 'signer rotated' },
    outcome: { agent: 'text', to: 'text', x: 'text', until: 'number' },
  },
  'signer.seed': {
    ...{ ...COMMAND, name: 'seed of the signer stored', decision: ['made', 'encrypted_again'] },
    outcome: { fleet: 'number', key: 'text' },
  },
  'signer.exported': {
    ...{ ...COMMAND, name: 'signer exported' },
    outcome: { fleet: 'number', recipient: 'text' },
  },
} as const satisfies Declarations;
