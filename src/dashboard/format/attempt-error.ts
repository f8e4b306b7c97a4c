import { shown, worded } from './text.ts';

/** The errors of attempts to settle a payment, by their names on the wire (docs/operations.md, section 3). */
const TEXTS: Readonly<Record<string, string>> = {
  settlement_pending: 'sent, not in a block yet',
  chain_unreadable: 'no node of the network answered',
  no_backend: 'no backend was in use',
  circuit_open: 'the backend was paused after failures',
  busy: 'the backend had no free place',
  timeout: 'the backend did not answer in time',
  connection: 'no connection to the backend',
  not_json: 'the answer of the backend was not readable',
  no_answer: 'the backend did not answer',
  unavailable: 'the relayer did not answer',
  invocation_lost: 'the answer of the backend was lost',
  credential: 'the gateway has no credential for the backend',
  no_known_reason: 'the backend refused, for no known reason',
  full: 'too many payments waited at the relayer',
  gas: 'the relayer had too little for gas',
  fee: 'gas cost more than the operator allows',
  account_unavailable: 'the account did not store the result',
  unfunded: 'the payer had too little',
  insufficient_funds: 'the payer had too little',
  bounced_code: 'code at the payer’s address rejected its signature',
  bounced_refused: 'the token moved nothing from the payer',
};

/** Why an attempt to settle a payment met trouble, in words. Facilitators choose some of these errors. */
export const attemptError = (error: string): string => {
  const [, status] = /^status_([0-9]{3})$/.exec(error) ?? [];
  if (status !== undefined) return `the backend answered with status ${status}`;
  return TEXTS[error] ?? shown(worded(error));
};
