import type { Seconds } from '../../core/clock.ts';
import type { CommandFault, CreditTooLow } from '../account/command-verdict.ts';
import { formatDollars } from '../amount.ts';
import { quoted, retryAfter, type Texts } from './problem-text.ts';
import { CORRECT_IT, ITS_HINT, type Words } from './words.ts';

/** A command of an operator or an owner failed. */
export type CommandReason =
  | CommandFault
  | CreditTooLow
  /** The signature is valid, but its account may not give this command. */
  | { readonly reason: 'forbidden' }
  /** The chain does not have the transaction, or the transaction reverted. */
  | { readonly reason: 'unknown_transaction' }
  | { readonly reason: 'transaction_not_final'; readonly retryAfter: Seconds }
  /** The transaction moved no money from the operator to the account. */
  | { readonly reason: 'no_refund' };

/** `call.ts` has the texts of the reasons that a command shares with a call. */
type OwnReason = Exclude<
  CommandReason,
  { readonly reason: 'already_used' } | { readonly reason: 'unknown_call' }
>;

export const commandTexts: Texts<OwnReason> = {
  forbidden: () => ({
    status: 403,
    title: 'Forbidden',
    detail: 'The account that signed this request may not make it.',
    hint: 'Sign with a key of an operator of this gateway. An owner signs for the accounts of its tree; the issuer or the delegate of a grant signs for that grant.',
  }),
  precondition_failed: ({ current }) => ({
    status: 412,
    title: 'Version changed',
    detail: 'The gateway stores another version than the request names, so it wrote nothing.',
    hint: 'Read the current version, apply the change to it, and send its ETag as If-Match.',
    ...(current === undefined ? {} : entityTag(current)),
  }),
  precondition_required: ({ current }) => ({
    status: 428,
    title: 'If-Match required',
    detail:
      'The request would replace a stored version that it does not name, so the gateway wrote nothing.',
    hint: 'Read the current version and send its ETag as If-Match, or send If-Match: * to replace any version.',
    ...entityTag(current),
  }),
  not_writable: ({ hint }) => ({
    status: 409,
    title: 'Not possible now',
    detail: 'The present state does not allow this command. The gateway wrote nothing.',
    hint,
  }),
  too_many_commands: (reason) => ({
    status: 429,
    title: 'Too many commands',
    detail:
      reason.rule === 'command_bytes'
        ? `The commands of ${reason.account} may write ${reason.limit} bytes of log a day, and this command exceeds that budget.`
        : `The account ${reason.account} may give ${reason.limit} commands in ${reason.window} seconds, and has given them.`,
    hint: 'This request wrote nothing. Wait `retry_after` seconds, then send it again; sign it again if its intent has expired by then. Freezing, pausing and revoking have a budget of their own.',
    more: {
      rule: reason.rule,
      account: reason.account,
      limit: reason.limit,
      window: reason.window,
      resets_at: reason.resetsAt,
    },
    headers: retryAfter(reason.retryAfter),
  }),
  credit_too_low: ({ credit }) => ({
    status: 409,
    title: 'Credit too low',
    detail: `The account has ${formatDollars(BigInt(credit))} of free credit, less than the command takes. The gateway wrote nothing.`,
    hint: 'Take at most `credit`, which is in atomic units.',
    more: { credit },
  }),
  unknown_transaction: () => ({
    status: 404,
    title: 'No such transaction',
    detail: 'The chain of the account has no successful transaction with this hash.',
    hint: 'Check the hash and the chain. If the transaction is new, try again once it is in a block.',
    more: { field: 'transaction' },
  }),
  transaction_not_final: (reason) => ({
    status: 409,
    title: 'Transaction not final',
    detail: 'The transaction is in a block that a reorganisation could still remove.',
    hint: 'Send the command again after `retry_after` seconds.',
    more: { field: 'transaction' },
    headers: retryAfter(reason.retryAfter),
  }),
  no_refund: () => ({
    status: 409,
    title: 'No such transfer',
    detail:
      'The transaction has no transfer of the paid token to the account that counts as a refund.',
    hint: 'A refund is a transfer from the payTo of the chain or from an operator. With log_index, only the log with that index counts.',
    more: { field: 'transaction' },
  }),
};

/** The stored version, so that the next request can name it. */
const entityTag = (current: string) => ({
  more: { current },
  headers: { ETag: quoted(current) },
});

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

export const commandWords: Words<OwnReason> = {
  forbidden: {
    page: 'Sign in with the wallet of an operator, or of an owner of this account.',
    command:
      'Give --as <name> with a key that may do this. Operators are the addresses in OPERATORS of the gateway; owners act on the accounts that `countersign accounts tree` lists.',
  },
  precondition_failed: {
    page: 'Somebody else has changed it. Reload the page, and make your change to the present version.',
    command: 'Run the command again: it reads the current version first.',
  },
  precondition_required: {
    page: 'Reload the page, and make your change to the present version.',
    command: 'Run the command again: it reads the current version first.',
  },
  not_writable: ITS_HINT,
  too_many_commands: {
    page: (_, wait) => `${wait}, then try again. Pausing, freezing and revoking work at once.`,
  },
  credit_too_low: {
    page: 'Choose an amount that the free credit of the account covers.',
    command: '`countersign credits show <account>` shows its credit: take at most that.',
  },
  unknown_transaction: {
    page: 'Check the hash and the chain. If the transaction is new, wait until it is in a block.',
  },
  transaction_not_final: {
    page: (_, wait) => `${wait}, then try again: the chain could still drop the transaction.`,
  },
  no_refund: {
    page: 'Choose a transaction that pays the account from the address of the gateway or of an operator.',
    command:
      'A refund is a transfer from PAY_TO or from an operator to the account. If the transaction has several, name one with --log-index.',
  },
};

export const documentWords: Words<DocumentReason> = {
  unknown_document: { page: 'Reload the page: it may have been removed.' },
  unknown_tool: {
    page: 'Reload the page: the tool may have been removed.',
    command: '`countersign tools list` lists every tool.',
  },
  malformed_document: CORRECT_IT,
};
