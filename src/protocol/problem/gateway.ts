import type { Seconds } from '../../core/clock.ts';
import type { Network } from '../account-id.ts';
import { networkName } from '../network-name.ts';
import { AGAIN, FREE, retryAfter, type Texts } from './problem-text.ts';
import { TRY_AGAIN, type Words } from './words.ts';

/** The gateway cannot serve the request now. */
export type GatewayReason =
  | { readonly reason: 'too_many_requests'; readonly retryAfter: Seconds }
  /** The receiving address of a facilitated payment has too many unsettled payments. */
  | { readonly reason: 'too_many_payments'; readonly retryAfter: Seconds }
  /** The relayer cannot send transactions now, so it has not taken a facilitated payment. */
  | { readonly reason: 'facilitator_unavailable'; readonly retryAfter: Seconds }
  | { readonly reason: 'paused' }
  /** No node of the chain answers. `needs`: the fact that only the chain can show. */
  | {
      readonly reason: 'payer_unreachable';
      readonly network: Network;
      readonly needs: keyof typeof CHAIN_NEEDS;
    }
  | { readonly reason: 'storage_unavailable' }
  /** R2, which has the log that D1 has forgotten, does not answer. */
  | { readonly reason: 'archive_unavailable' }
  /** A secret of the tool is missing, bound to another host, or no key opens it. */
  | { readonly reason: 'secret_unavailable' }
  | {
      readonly reason: 'misconfigured';
      readonly faults: readonly { readonly name: string; readonly reason: string }[];
    }
  | { readonly reason: 'internal' };

const CHAIN_NEEDS = {
  signature: 'Only the contract of the account can verify the signature (ERC-1271).',
  funds: 'The gateway does not know the account, and only the chain shows whether it holds money.',
  payer: 'The gateway checks the balance and the code of a payer before it accepts a payment.',
  grant: 'A contract issued a grant of this call, and must confirm its signature (ERC-1271).',
  payment: 'Only the chain shows the outcome of the payment.',
  transfer: 'Only the chain shows the transaction that the request names.',
};

export const gatewayTexts: Texts<GatewayReason> = {
  too_many_requests: (reason) => ({
    status: 429,
    title: 'Too many requests',
    detail:
      'This client or this payer sends too many requests that repeat a call or need a look at the chain.',
    hint: `Wait \`retry_after\` seconds, then send the same request again, with the same signature. ${FREE}`,
    headers: retryAfter(reason.retryAfter),
  }),
  too_many_payments: (reason) => ({
    status: 429,
    title: 'Too many open payments',
    detail:
      'The facilitator has as many open payments for this receiving address, or in all, as it takes at once. It has not taken this one.',
    hint: 'Send the same request again after `retry_after` seconds, with the same payment.',
    headers: retryAfter(reason.retryAfter),
  }),
  facilitator_unavailable: (reason) => ({
    status: 503,
    final: false,
    title: 'Facilitator not available',
    detail: 'The relayer cannot send transactions now. It has not taken this payment.',
    hint: 'Send the same request again after `retry_after` seconds, with the same payment.',
    headers: retryAfter(reason.retryAfter),
  }),
  paused: () => ({
    status: 503,
    final: true,
    title: 'Paused',
    detail:
      'The operator has paused this gateway. The gateway still finishes and settles the calls that were running.',
    hint: `Send the request again after \`retry_after\` seconds. ${FREE}`,
    headers: retryAfter(60),
  }),
  payer_unreachable: ({ network, needs }) => ({
    status: 503,
    // A client may repeat a call until the chain answers. A command must fail at once, because a person waits for the answer (law 13).
    final: needs === 'signature' || needs === 'funds' || needs === 'transfer',
    title: 'Chain not reachable',
    detail: `No node of ${networkName(network)} gives a usable answer. ${CHAIN_NEEDS[needs]}`,
    hint: `${AGAIN} ${FREE}`,
    more: { network, needs },
    headers: retryAfter(5),
  }),
  storage_unavailable: () => ({
    status: 503,
    final: false,
    title: 'Storage not available',
    detail:
      'The gateway could not read or record what this request needs, or does not know whether it did.',
    hint: AGAIN,
    headers: retryAfter(2),
  }),
  archive_unavailable: () => ({
    status: 503,
    final: false,
    title: 'Archive not available',
    detail:
      'This page is older than the log that the database keeps, and the archive does not answer now.',
    hint: 'Send the request again after `retry_after` seconds. Newer pages need no archive.',
    headers: retryAfter(60),
  }),
  secret_unavailable: () => ({
    status: 503,
    final: true,
    title: 'Tool not available',
    detail: 'The gateway lacks a credential that it needs to call this tool.',
    hint: `The operator must provide it: the log of the gateway names it. ${FREE}`,
    headers: retryAfter(60),
  }),
  misconfigured: ({ faults }) => ({
    status: 503,
    final: true,
    title: 'Not configured',
    detail: faults.map(({ name, reason }) => `${name} ${reason}.`).join(' '),
    hint: `The operator must correct what \`faults\` names, then deploy again. ${FREE}`,
    more: { faults },
  }),
  internal: () => ({
    status: 500,
    title: 'Internal error',
    detail: 'The gateway failed on this request.',
    hint: 'Send the same request again. If it carries a signature, keep that signature: a new one could pay twice. If it fails again, tell the operator.',
  }),
};

export const gatewayWords: Words<GatewayReason> = {
  too_many_requests: TRY_AGAIN,
  too_many_payments: TRY_AGAIN,
  facilitator_unavailable: TRY_AGAIN,
  paused: { page: 'The operator has paused the gateway. Try again later.' },
  payer_unreachable: TRY_AGAIN,
  storage_unavailable: TRY_AGAIN,
  archive_unavailable: {
    page: (_, wait) => `${wait}, then try again. Later days need no archive.`,
  },
  secret_unavailable: {
    page: 'The operator must store the missing secret. Tell the operator.',
  },
  misconfigured: {
    page: 'The operator must correct the settings of the gateway. Tell the operator.',
  },
  internal: { page: 'Try again in a moment. If it happens again, tell the operator.' },
};
