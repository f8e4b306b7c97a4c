import type { EntryType } from '../../protocol/entry.ts';

/** The signed evidence that each type of entry must have. */
export const SIGNED_WITH: Readonly<
  Record<
    EntryType,
    | 'proof'
    | 'denial'
    | 'reveal'
    | 'grant'
    | 'revocation'
    | 'order'
    | 'approval'
    | 'text'
    | 'lease'
    | 'any'
    | 'nothing'
  >
> = {
  'call.accepted': 'proof',
  'call.parked': 'proof',
  'call.approved': 'approval',
  'call.refused': 'approval',
  'call.denied': 'denial',
  'call.dispatched': 'nothing',
  'call.finished': 'nothing',
  'call.late': 'nothing',
  'call.abandoned': 'nothing',
  'call.resolved': 'order',
  'call.refunded': 'order',
  'payment.settled': 'reveal',
  'payment.failed': 'reveal',
  'payment.bounced': 'nothing',
  'payment.released': 'nothing',
  'credit.received': 'nothing',
  'credit.refunded': 'order',
  'credit.lent': 'nothing',
  'credit.adjusted': 'order',
  'grant.issued': 'grant',
  'grant.accepted': 'nothing',
  'grant.taken': 'grant',
  'grant.revoked': 'revocation',
  'grant.default': 'order',
  'lease.closed': 'lease',
  'policy.default': 'text',
  'tool.listed': 'text',
  // A command, or a grant or revocation that moved the account.
  'account.status': 'any',
  'account.policy': 'any',
  'webhook.removed': 'any',
  'account.label': 'order',
  'tool.put': 'order',
  'tool.removed': 'order',
  'webhook.put': 'order',
  'secret.put': 'order',
  'secret.removed': 'order',
  'settlement.redriven': 'order',
  'letter.redriven': 'order',
  'alert.raised': 'nothing',
  'archive.written': 'nothing',
  'signer.signed': 'nothing',
  'signer.refused': 'nothing',
  'signer.failed': 'nothing',
  'signer.enrolled': 'order',
  'signer.policy': 'order',
  'signer.revoked': 'order',
  'signer.rotated': 'order',
  'signer.seed': 'order',
  'signer.exported': 'order',
};
