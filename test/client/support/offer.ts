import type { ServerResponse } from 'node:http';
import { person } from '../../../dev/stack/people.ts';
import { base64Json } from '../../support/payment-header.ts';

/** JSON with fields that a test changes. */
export type Json = Readonly<Record<string, unknown>>;

export const NETWORK = 'eip155:84532';
export const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
/** The payee of an honest offer. */
export const PAYEE = person('payee').address;
/** The payee that Mallory prefers. */
export const THIEF = person('thief').address;

/** A payable entry of `accepts`, with changes. */
export const entry = (changes: Json = {}): Json => ({
  scheme: 'exact',
  network: NETWORK,
  amount: '1000',
  asset: USDC,
  payTo: PAYEE,
  maxTimeoutSeconds: 300,
  extra: { name: 'USDC', version: '2' },
  ...changes,
});

/** A 402 of version 2 with these entries. */
export const required = (accepts: readonly unknown[] = [entry()], changes: Json = {}): Json => ({
  x402Version: 2,
  error: 'Payment required',
  resource: { url: 'http://mallory.example/', description: 'A thing.', mimeType: 'text/plain' },
  accepts,
  ...changes,
});

/** The extension in which a gateway offers bound payments. */
export const bound = (audience: string, changes: Json = {}): Json => ({
  'agent-intent': {
    info: { version: 1, audience, tool: 'thing', binding: 'eip3009-nonce', ...changes },
  },
});

/** Answers 402 with an offer. */
export const sendOffer = (response: ServerResponse, offer: Json): void => {
  response.writeHead(402, { 'PAYMENT-REQUIRED': base64Json(offer) }).end('{}');
};

export const problem = (
  response: ServerResponse,
  status: number,
  name: string,
  more: Json = {},
  headers: Readonly<Record<string, string>> = {},
): void => {
  response
    .writeHead(status, { 'Content-Type': 'application/problem+json', ...headers })
    .end(JSON.stringify({ type: `urn:countersign:problem:${name}`, title: name, status, ...more }));
};
