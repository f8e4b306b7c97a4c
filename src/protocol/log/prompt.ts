import type { EntryType, PromptType } from './entry-types.ts';

/**
 * The types that are declared as prompt. A separate list, because every isolate loads it, and no first answer needs the other declarations.
 * The compiler reports a type that is only in one of the two.
 */
const PROMPT: Readonly<Record<PromptType, true>> = {
  'account.label': true,
  'account.erased': true,
  'account.status': true,
  'account.policy': true,
  'tool.put': true,
  'tool.removed': true,
  'webhook.put': true,
  'webhook.removed': true,
  'secret.put': true,
  'secret.removed': true,
  'settlement.redriven': true,
  'credit.adjusted': true,
  'call.refunded': true,
  'call.approved': true,
  'call.refused': true,
  'alert.raised': true,
};

/** Whether an entry leaves the account at once. */
export const isPrompt = (type: EntryType): boolean => Object.hasOwn(PROMPT, type);
