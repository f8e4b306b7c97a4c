import type { EntryType, PromptType } from './entry-types.ts';

/**
 * The types that are declared as prompt. A list of its own, because every isolate loads it and none needs the other declarations for its
 * first answer; the compiler names a type that is in one of both only.
 */
const PROMPT: Readonly<Record<PromptType, true>> = {
  'account.label': true,
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
