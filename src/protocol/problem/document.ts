import type { Texts } from './problem-text.ts';

/** The gateway cannot read or store a managed document: a tool, a webhook, an account's settings. */
export type DocumentReason =
  /** The gateway stores nothing under this name, or the caller may not see it. `what`: e.g. `webhook of this name`. */
  | { readonly reason: 'unknown_document'; readonly what: string }
  | { readonly reason: 'unknown_tool' }
  /** Every fault of a document, each with its path in the body. */
  | {
      readonly reason: 'malformed_document';
      readonly faults: readonly { readonly field: string; readonly reason: string }[];
    };

export const documentTexts: Texts<DocumentReason> = {
  unknown_document: ({ what }) => ({
    status: 404,
    title: 'Nothing stored here',
    detail: `The gateway has no ${what}.`,
    hint: 'List what the gateway stores, or store one.',
  }),
  unknown_tool: () => ({
    status: 404,
    title: 'No such tool',
    detail: 'The catalogue has no tool with this id.',
    hint: 'GET /admin/tools lists every tool.',
  }),
  malformed_document: ({ faults }) => ({
    status: 400,
    title: 'Malformed document',
    detail: faults.map(({ field, reason }) => `${field} ${reason}.`).join(' '),
    hint: 'Correct every field in `faults` and send the document again. The gateway wrote nothing.',
    more: { field: faults[0]?.field ?? 'body', faults },
  }),
};
