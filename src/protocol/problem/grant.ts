import type { CommandFieldFault } from '../account/command-verdict.ts';
import { mismatchText, type ProblemText, type Status, type Texts } from './problem-text.ts';
import { CORRECT_IT, type Words } from './words.ts';

/** A grant, a revocation or a policy in a tree of accounts was rejected. `field` is a path in the body. */
export type GrantReason =
  | CommandFieldFault
  /** The gateway already has exactly this grant: `grant` is its digest. */
  | { readonly reason: 'already_registered'; readonly field: string; readonly grant: string }
  | { readonly reason: 'unknown_account' };

/** The text of a document in the body that the gateway did not store. */
const rejected = (
  status: Status,
  title: string,
  detail: string,
  hint: string,
  field: string,
): ProblemText => ({ status, title, detail, hint, more: { field } });

export const grantTexts: Texts<GrantReason> = {
  malformed_policy: ({ field, hint }) => ({
    status: 400,
    title: 'Malformed policy',
    detail: `${field} ${hint}.`,
    hint: 'Correct the field and send the policy again. The account keeps its current policy.',
    more: { field },
  }),
  grant_refused: (reason) =>
    mismatchText(
      reason,
      'Grant refused',
      'Sign a grant for this gateway that is nowhere wider than the rights of its issuer: `expected` gives the bound.',
      'The gateway did not register this grant.',
    ),
  already_registered: (reason) => ({
    ...rejected(
      409,
      'Already registered',
      'The gateway already has a grant with this issuer and id.',
      'If it is the same grant, there is nothing left to do. Give any other grant a new id.',
      reason.field,
    ),
    ...('grant' in reason ? { more: { field: reason.field, grant: reason.grant } } : {}),
  }),
  grant_revoked: ({ field }) =>
    rejected(
      409,
      'Grant revoked',
      'The issuer has revoked this id, or every grant below a higher epoch.',
      'A revocation is permanent: sign a new grant, with a new id and epoch.',
      field,
    ),
  holds_leases: ({ field }) =>
    rejected(
      409,
      'Limits in use',
      'The account still holds a lease of the limits of its present owner.',
      'Send the same request again when the account has made no call for two minutes.',
      field,
    ),
  unknown_grant: ({ field }) =>
    rejected(
      404,
      'No such grant',
      'The account that signed has registered no such grant.',
      'Check the issuer and the hash or id. Register grants from the owner down.',
      field,
    ),
  penniless: ({ field }) =>
    rejected(
      403,
      'No money shown',
      'The account that signed holds no money on this chain and has paid nothing here.',
      'Add funds to it, or let it pay for a call or a top-up, then send the same request again.',
      field,
    ),
  unknown_account: () => ({
    status: 404,
    title: 'No such account',
    detail: 'The gateway has no such account, or the account that signed may not see it.',
    hint: 'An account exists from its first accepted call, top-up or grant on. Sign on the chain that it uses, as the account itself or as one of its ancestors.',
  }),
};

export const grantWords: Words<GrantReason> = {
  malformed_policy: CORRECT_IT,
  grant_refused: { page: 'Choose limits that are not above your own, then sign the grant again.' },
  already_registered: { page: 'There is nothing left to do: the gateway has this grant.' },
  grant_revoked: { page: 'A revocation is permanent. Make a new grant.' },
  holds_leases: {
    page: 'The agent still uses the limits of its present owner. Try again when it has made no call for two minutes.',
  },
  unknown_grant: { page: 'Register the grants from the owner down, then try again.' },
  penniless: { page: 'Send the account some money on this chain, then try again.' },
  unknown_account: {
    page: 'An account is here from its first paid call, top-up or grant on. Check the address.',
    command:
      'Owners see the accounts that `countersign accounts tree` lists, operators see all: give --operator, or --as <name> with the key of its owner or of the account itself.',
  },
};
