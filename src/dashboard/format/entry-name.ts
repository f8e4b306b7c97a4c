import type { EntryType } from '../../protocol/entry.ts';
import { worded } from './text.ts';

/** What each kind of entry in the log of an account says, in the words of the story of a call. */
const NAMES: Readonly<Record<string, string>> = {
  'call.parked': 'call waits for a person',
  'call.dispatched': 'call dispatched to the tool',
  'call.finished': 'call ended',
  'call.late': 'tool answered after the call had ended',
  'call.abandoned': 'call ended without an answer',
  'call.resolved': 'held amount decided by an operator',
  'payment.bounced': 'payment tried again',
  'credit.refunded': 'credit paid out',
  'credit.lent': 'credit spent by an agent',
  'grant.issued': 'grant signed for an agent',
  'grant.accepted': 'grant used by its agent',
  'grant.taken': 'grant received',
  'grant.default': 'default grant changed',
  'lease.closed': 'lent limit returned',
  'account.status': 'status changed',
  'account.policy': 'budget changed',
  'account.label': 'name changed',
  'policy.default': 'default policy published',
  'tool.listed': 'tool published',
  'tool.put': 'tool changed',
  'webhook.put': 'webhook changed',
  'secret.put': 'secret stored',
  'settlement.redriven': 'payment presented again by an operator',
  'letter.redriven': 'message sent again by an operator',
  'archive.written': 'log archived',
  'signer.policy': 'policy of the signer changed',
  'signer.seed': 'seed of the signer stored',
} satisfies Partial<Record<EntryType, string>>;

/** A kind of entry in words: `call.denied` is "call denied". */
export const entryName = (type: string): string => NAMES[type] ?? worded(type.replace('.', ' '));
