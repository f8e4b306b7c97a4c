import type { AccountRule } from '../account/denial.ts';
import { orWait, type RuleWords, type Wording } from './words.ts';

/** The wordings of denials by the account itself. */
export const accountWordings: Readonly<Record<AccountRule, Wording>> = {
  balance: {
    subject:
      'The balance does not cover this call together with the payments that have not settled yet.',
    hint: 'Add funds to the paying account, or wait `retry_after` seconds for its earlier payments to settle, then sign and send the call again.',
  },
  allowance: {
    subject: 'The allowance of Permit2 does not cover what this call may cost the paying account.',
    hint: 'Approve Permit2 (0x000000000022D473030F116dDEE9F6B43aC78BA3) at the token, or send an EIP-2612 signature in `extensions.eip2612GasSponsoring`, then sign and send the call again. Or sign a payment by another entry of `accepts`.',
  },
  debt: {
    subject: 'The account has not paid for an earlier call.',
    hint: 'Pay the debt of the account with POST /credits?amount=<atomic units>, then send the call again.',
  },
  suspended: {
    subject:
      'The gateway could not collect an earlier payment of this account, and is already settling another call of it.',
    hint: 'The gateway settles calls of this account first, one at a time, until the earlier payment has ended, by `resets_at` at the latest. Make the paying account able to pay (its balance, its code, its standing with the token) or use another one, then sign and send the call again in `retry_after` seconds.',
  },
  credit: {
    subject: 'The credit does not cover the price.',
    hint: 'Top up the account, or the owner whose grant it uses, with POST /credits?amount=<atomic units>, then send the call again. If the tool accepts payments, you can sign one instead.',
  },
  nonce_used: {
    subject: 'The chain shows the nonce of the authorization as used or cancelled.',
    hint: 'Sign a new authorization with a new random nonce.',
  },
  penniless: {
    subject: 'The account holds no money on this chain and has paid nothing here.',
    hint: 'Add funds to the account, or pay for a call or a top-up with it, then sign and send the call again.',
  },
  authority: {
    subject: 'The account holds no such grant, or none that this call can use.',
    hint: 'Name in `authority` a grant that GET /accounts/me shows or that an issuer offered to this account, or zero for the default one. PUT /delegations registers a grant.',
  },
  unreachable: {
    subject: 'An ancestor of this account did not answer how much of its limits remains.',
    hint: 'Send the same request again after `retry_after` seconds.',
  },
  // One text for a listed payer, for a listed owner and for a screening without an answer: a caller must not be able to tell them apart.
  screening: {
    subject: 'The operator does not serve this call.',
    hint: 'Do not send it again. Only the operator of the gateway can answer questions about it.',
  },
  denial_rate: {
    counts: 'calls',
    subject: 'The gateway denied too many calls and dry runs of this account.',
    hint: 'Earlier denials give the reasons: stop sending such calls. The gateway decides another one in `retry_after` seconds.',
  },
  failure_rate: {
    counts: 'calls',
    subject: 'Too many calls of this account failed while their payments could still settle.',
    hint: 'Wait `retry_after` seconds before each call, until the authorizations of the failed calls have expired. The gateway does not limit calls paid from credit.',
  },
};

export const isAccountRule = (rule: string): rule is AccountRule =>
  Object.hasOwn(accountWordings, rule);

/** The words of the same denials for people. The Worker never loads them. */
export const accountRuleWords: Readonly<Record<AccountRule, RuleWords>> = {
  balance: {
    name: 'balance too low',
    page: (wait) =>
      wait === undefined
        ? 'Send more money to the wallet on this network, then try again.'
        : `Send more money to the wallet, or w${wait.slice(1)} for its earlier payments to settle. Then try again.`,
    command: ({ who, mayWait, isTopUp, price, forCall }) =>
      isTopUp
        ? `Send USDC to ${who} on this chain, then buy the credit again.`
        : `${mayWait ? 'Wait until earlier payments have settled, or send' : 'Send'} USDC to ${who} on this chain, or let its owner pay: \`countersign credits top-up ${price}\` and \`countersign grant ${who} ${forCall}\`, both with --as <owner>.`,
    changedAt: undefined,
  },
  allowance: {
    name: 'Permit2 not approved',
    page: 'Approve Permit2 for the token with this wallet, then try again.',
    command: ({ who, price, forCall }) =>
      `Approve Permit2 at the token with ${who}, or let its owner pay: \`countersign credits top-up ${price}\` and \`countersign grant ${who} ${forCall}\`, both with --as <owner>.`,
    changedAt: undefined,
  },
  credit: {
    name: 'credit too low',
    page: 'Buy credit for this account, then try again.',
    // Without --to, the credit would belong to the key that pays, which need not be the account that was denied.
    command: ({ who, isAgent, missing }) =>
      `\`countersign credits top-up ${missing} --to ${who}\` buys what this call lacks, for ${isAgent ? 'the account that has too little, which pays for the calls of its agents' : 'the account that was denied, which also pays for its agents'}.`,
    changedAt: 'credit',
  },
  debt: {
    name: 'debt',
    page: 'Pay what the account owes by buying that much credit, then try again.',
    command: ({ who, missing }) =>
      `\`countersign credits top-up ${missing} --to ${who}\` clears the debt.`,
    changedAt: 'credit',
  },
  suspended: {
    name: 'suspended',
    page: (wait) =>
      `Make sure that the wallet can pay, or use another one. ${wait ?? 'Wait a moment'}, then try again.`,
    command: undefined,
    changedAt: undefined,
  },
  penniless: {
    name: 'no money',
    page: 'Send money to the wallet on this network, then try again.',
    command: ({ who }) => `Send USDC to ${who} on this chain, then sign the call again.`,
    changedAt: undefined,
  },
  nonce_used: {
    name: 'nonce used before',
    page: 'Try again: the wallet signs a new payment.',
    command: undefined,
    changedAt: undefined,
  },
  authority: {
    name: 'no such grant',
    page: 'Ask the owner of the budget for a grant that this call can use.',
    command: () =>
      '`countersign accounts show` lists the grants of the account; --grant takes the hash of one, and no --grant takes the default grant.',
    changedAt: 'grants',
  },
  unreachable: {
    name: 'an owner did not answer',
    page: orWait('Try again in a moment.'),
    command: undefined,
    changedAt: undefined,
  },
  screening: {
    name: 'not served',
    page: 'The operator of this gateway does not serve the call. Only the operator can answer questions about it.',
    command: undefined,
    changedAt: undefined,
  },
  denial_rate: {
    counts: 'calls',
    name: 'too many denials',
    page: (wait) =>
      `Look at why the earlier calls were denied. ${wait ?? 'Wait a moment'} before the next one.`,
    command: undefined,
    changedAt: 'budget',
  },
  failure_rate: {
    counts: 'calls',
    name: 'too many failures',
    page: (wait) =>
      `${wait ?? 'Wait a moment'} before each call, until the payments of the failed calls have expired.`,
    command: undefined,
    changedAt: 'budget',
  },
};
