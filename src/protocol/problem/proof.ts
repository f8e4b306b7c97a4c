import type { FiatAsset } from '../fiat-asset.ts';
import { MAX_INTENT_WINDOW } from '../intent/agent-intent.ts';
import { FREE, mismatchText, type ProblemText, quoted, type Texts } from './problem-text.ts';
import { RELOAD, type ProblemWords, type Words } from './words.ts';

/** The request needs a proof, has too many, or its proof is invalid. */
export type ProofReason =
  /** Only the members of the problem: the offer adds the rest of the 402. `wants`: how the tool can be paid. */
  | {
      readonly reason: 'payment_required';
      readonly wants: 'payment' | 'bound_payment' | 'credit';
    }
  /** 401 with the challenge of docs/wire-format.md §8. `networks`: CAIP-2. */
  | {
      readonly reason: 'intent_required';
      readonly audience: string;
      readonly networks: readonly string[];
      readonly tool: string;
      /** The fields of the request in the wire form of an intent; unused fields are zero or empty. */
      readonly intent: Readonly<Record<string, string>>;
      /** Of a card tool: its price in fiat, and the payee to sign on each network. Absent: the call costs nothing. */
      readonly fiat?: FiatPrice;
    }
  /** Payment and intent, or both versions of a payment, in one request. */
  | { readonly reason: 'too_many_proofs'; readonly fields: readonly string[] }
  /** `fault`: the verifier's reason, e.g. `high_s`. */
  | { readonly reason: 'invalid_signature'; readonly field: string; readonly fault: string }
  | { readonly reason: 'unsupported_signature'; readonly field: string }
  /** `Agent-Retry-Key` is not the secret of the intent in the request, or the request has no intent. */
  | { readonly reason: 'retry_key_mismatch'; readonly field: string; readonly hint: string }
  /**
   * The payment has no intent but needs one. `version`: of x402. `because`: the tool requires it; the credit goes to another account
   * than the payer's; the payer signed the payment as bound; or the payer signed a reserved binding form.
   */
  | {
      readonly reason: 'binding_required';
      readonly field: string;
      readonly version: 1 | 2;
      readonly because: BindingCause;
    }
  /** The proof expired more than a day ago, so the gateway does not ask the account. `call`: absent if the proof does not name it. */
  | {
      readonly reason: 'proof_too_old';
      readonly field: string;
      readonly expected: string;
      readonly got: string;
      readonly call?: string;
    };

/** The price of a card tool. `amount`: millionths of `asset`; the most that a tool of variable price (`upto`) charges. */
export type FiatPrice = {
  readonly asset: FiatAsset;
  readonly amount: string;
  readonly dollars: string;
  readonly pricing: 'exact' | 'upto';
  /** `payTo` of an intent, by network. */
  readonly payees: Readonly<Record<string, string>>;
};

type BindingCause = 'tool' | 'beneficiary' | 'marked' | 'unknown_mark';
type Wanted = Extract<ProofReason, { readonly reason: 'payment_required' }>['wants'];

export const proofTexts: Texts<ProofReason> = {
  payment_required: ({ wants }) => ({ status: 402, title: 'Payment required', ...WANTED[wants] }),
  intent_required: ({ audience, networks, tool, intent, fiat }) => ({
    status: 401,
    title: 'Signature required',
    detail:
      fiat === undefined
        ? 'The gateway answers this request only if an account signs it.'
        : `This tool costs ${fiat.pricing === 'upto' ? 'at most ' : ''}${fiat.dollars} (${fiat.asset}), paid by a card of the operator. No token pays for it, and the request carries no intent.`,
    hint:
      fiat === undefined
        ? 'Sign an AgentIntent with the fields of `intent` for this request, and send it in the header Agent-Intent.'
        : 'If the operator has given your account a budget in this currency, sign an AgentIntent with the fields of `intent` for this request, and ' +
          'send it in the header Agent-Intent. Its maxAmount is the most that the call may cost, in millionths.',
    more: {
      ...{ audience, networks, max_validity: MAX_INTENT_WINDOW, tool, intent },
      ...(fiat === undefined ? {} : { price: fiat }),
    },
    headers: {
      'WWW-Authenticate':
        `AgentIntent error="intent_required", audience=${quoted(audience)}, ` +
        `chains=${quoted(networks.join(' '))}, max_validity="${MAX_INTENT_WINDOW}", ` +
        `tool=${quoted(tool)}${fiat === undefined ? '' : `, asset=${quoted(fiat.asset)}`}`,
    },
  }),
  too_many_proofs: ({ fields }) => ({
    status: 400,
    title: 'Too many proofs',
    detail: `The request carries more than one of these headers: ${fields.join(', ')}.`,
    hint: `Send exactly one proof. ${FREE}`,
    more: { field: fields.join(', ') },
  }),
  invalid_signature: ({ field, fault }) => ({
    status: 400,
    title: 'Invalid signature',
    detail: `The signature does not verify for the signed fields and the named account (${fault}).`,
    hint: `Sign the typed data with the key of the named account: 65 bytes, v 27 or 28, low s. ${FREE}`,
    more: { field, fault },
  }),
  unsupported_signature: ({ field }) => ({
    status: 400,
    title: 'Unsupported signature',
    detail:
      'The gateway accepts no signature of an account that is not deployed yet (ERC-6492), nor any other wrapped signature.',
    hint: `Deploy the account first, or sign with a plain key. ${FREE}`,
    more: { field },
  }),
  retry_key_mismatch: ({ field, hint }) => ({
    status: 400,
    title: 'Wrong retry key',
    detail: `${field} ${hint}.`,
    hint:
      'Send the 32 bytes whose SHA-256 commitment is the nonce of the AgentIntent, or no Agent-Retry-Key. ' +
      `If they are lost, GET /calls/<call id> with a new Agent-Intent returns the outcome. ${FREE}`,
    more: { field },
  }),
  binding_required: ({ field, version, because }) => ({
    status: 400,
    title: 'Binding required',
    detail: BINDING_DETAILS[because],
    hint: bindingHint(version, because),
    more: { field },
  }),
  proof_too_old: ({ field, expected, got, call }) => ({
    status: 400,
    title: 'Proof too old',
    detail: `${field} is more than 24 hours ago. The gateway does not look up calls by a proof this old.`,
    hint: `Look the call up with a fresh Agent-Intent: GET /calls/${call ?? '<call id>'}. To run the tool again, sign a new proof.`,
    more: { field, expected, got, ...(call === undefined ? {} : { call }) },
  }),
};

/** How to pay. A client must not sign a form that the tool does not accept. */
const WANTED: Readonly<Record<Wanted, Pick<ProblemText, 'detail' | 'hint'>>> = {
  payment: {
    detail: 'This tool costs money, and the request carries no payment.',
    hint: 'Sign one entry of `accepts` with your wallet and send the request again with PAYMENT-SIGNATURE.',
  },
  bound_payment: {
    detail:
      'This tool costs money and accepts only a payment that is bound to its request. The request carries no payment.',
    hint:
      'Sign an AgentIntent for this request. Sign one entry of `accepts` with the digest of that intent as nonce and 1131378030 as validAfter. Put the intent into ' +
      'extensions["agent-intent"].info.intent, and send the request again with PAYMENT-SIGNATURE.',
  },
  credit: {
    detail:
      'This tool costs money and accepts only credit. The request carries no intent to spend credit.',
    hint:
      'Buy credit with a POST to `credit.top_up`, then send the request again with the header Agent-Intent: an AgentIntent whose payTo ' +
      'and asset are those of an entry of `accepts`, and whose maxAmount is the most that the call may cost.',
  },
};

const BINDING_DETAILS: Readonly<Record<BindingCause, string>> = {
  tool: 'This tool accepts only a payment that is bound to its request.',
  beneficiary:
    'The gateway accepts a top-up for another account only with a payment that is bound to its request.',
  marked:
    'The payer signed this payment as bound (validAfter 1131378030), but the request carries no intent. Without its intent the payment buys nothing.',
  unknown_mark:
    'The payer signed this payment with a reserved validAfter (1131378031 to 1131378285), which names a binding form that does not exist yet.',
};

const bindingHint = (version: 1 | 2, because: BindingCause): string => {
  if (because === 'unknown_mark') {
    return `Sign validAfter 1131378030 and send the intent, or sign a plain payment with a validAfter outside the reserved values. ${FREE}`;
  }
  if (because === 'marked') {
    return version === 1
      ? `An X-PAYMENT of x402 version 1 cannot carry an intent. Send the same authorization in the header PAYMENT-SIGNATURE (version 2), with the intent that its nonce commits to. ${FREE}`
      : `Send the intent that the nonce of the payment commits to in extensions["agent-intent"].info.intent. The signature is still unused. ${FREE}`;
  }
  return version === 1
    ? 'An X-PAYMENT of x402 version 1 cannot carry an intent. Pay with the header PAYMENT-SIGNATURE (version 2) and the intent in ' +
        `extensions["agent-intent"].info.intent, or from credit with the header Agent-Intent. ${FREE}`
    : 'Put the intent into extensions["agent-intent"].info.intent of the header PAYMENT-SIGNATURE, and sign the payment with the ' +
        `digest of the intent as its nonce and 1131378030 as its validAfter. ${FREE}`;
};

/** A signed field has a wrong value. 400, never 402: a client that signs again on 402 would pay twice (law 5). */
export type MismatchReason = {
  readonly reason:
    | 'requirement_mismatch'
    | 'intent_mismatch'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'wrong_payer'
    | 'empty_window'
    | 'window_too_long'
    | 'valid_too_long'
    | 'not_yet_valid'
    | 'expired';
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

const otherOffer = (reason: MismatchReason): ProblemText =>
  mismatchText(
    reason,
    'Payment does not match the offer',
    'Send the request without a payment to get a new offer, then sign exactly what the offer states.',
  );

const outOfBounds = (reason: MismatchReason): ProblemText =>
  mismatchText(
    reason,
    'Validity out of bounds',
    'Sign again with times inside the bound that `expected` gives. Times are Unix seconds.',
  );

export const mismatchTexts: Texts<MismatchReason> = {
  requirement_mismatch: otherOffer,
  recipient_mismatch: otherOffer,
  value_mismatch: otherOffer,
  wrong_payer: (reason) =>
    mismatchText(
      reason,
      'Account cannot pay here',
      'Sign the payment with another account: the zero address cannot pay, and neither can an account that receives payments of this gateway.',
    ),
  intent_mismatch: (reason) =>
    mismatchText(
      reason,
      'Intent does not match the request',
      reason.field.endsWith('.authorization.validAfter')
        ? 'Sign the payment with the validAfter that `expected` gives: this value states, under the signature, that an intent binds the payment.'
        : 'Sign an intent for exactly the request that you send: same audience, tool, method, URL, content type and body, and for a paid tool its payTo, asset and a maxAmount of at least the price.',
    ),
  empty_window: outOfBounds,
  window_too_long: outOfBounds,
  valid_too_long: outOfBounds,
  not_yet_valid: (reason) =>
    mismatchText(
      reason,
      'Not yet valid',
      'Compare your clock with the Date header of this answer. Then sign again with an earlier validAfter, or wait.',
    ),
  expired: (reason) =>
    mismatchText(
      reason,
      'Expired',
      'Look up with GET /calls/<id> whether an earlier request with this signature ran. If none did, sign again with a later validBefore.',
    ),
};

export const proofWords: Words<ProofReason> = {
  payment_required: { page: 'Pay for the call with a wallet.' },
  intent_required: { page: 'Sign the call with a wallet.' },
  too_many_proofs: RELOAD,
  invalid_signature: {
    page: 'Choose the account that you signed in with in the wallet, then try again.',
  },
  unsupported_signature: {
    page: 'Send a first transaction with this wallet, which deploys its account, or use another wallet.',
  },
  retry_key_mismatch: RELOAD,
  binding_required: RELOAD,
  proof_too_old: { page: 'Sign the call again if you still want it.' },
};

const SEE_OFFER: ProblemWords = { page: 'Reload the page to see the present price and terms.' };

export const mismatchWords: Words<MismatchReason> = {
  requirement_mismatch: SEE_OFFER,
  recipient_mismatch: SEE_OFFER,
  value_mismatch: SEE_OFFER,
  wrong_payer: { page: 'Choose another account in the wallet, then try again.' },
  intent_mismatch: RELOAD,
  empty_window: RELOAD,
  window_too_long: RELOAD,
  valid_too_long: RELOAD,
  not_yet_valid: { page: 'Correct the clock of this device, then try again.' },
  expired: {
    page: 'The signature is too old. Try again, and confirm sooner in the wallet.',
  },
};
