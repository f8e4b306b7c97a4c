import { parseAddress } from '../../crypto/address.ts';
import { chainIdOf, type Network } from '../account-id.ts';
import { parseAmount } from '../amount.ts';
import type { AgentIntent } from '../intent/agent-intent.ts';
import type { Authorization } from '../payment.ts';
import { parseBytes32, parseSignature, parseUint64, printableText } from '../wire-fields.ts';
import { IDENTIFIER, MAX_EXTENSIONS } from './extensions.ts';
import {
  isTimeout,
  MAX_DESCRIPTION,
  MAX_MIME_TYPE,
  type PaymentPayload,
} from './payload-schema.ts';
import type { Requirement } from './requirement.ts';

/**
 * Reads an x402 v2 payment in the form that clients write, for a third of the CPU of the schemas. Returns undefined for anything else, so the
 * schemas report every fault. Must accept only what the schemas accept, with the same value (`plain-payload.test.ts`).
 */
export const readPlainPayload = (json: unknown): PaymentPayload | undefined => {
  const root = membersOf(json);
  if (root === undefined || root['x402Version'] !== 2) return undefined;
  const { accepted: offer, payload, resource, extensions } = root;
  const optional = Number('resource' in root) + Number('extensions' in root);
  if (countOf(root) !== 3 + optional || !isPlainResource(resource)) return undefined;

  const accepted = readRequirement(offer);
  const paid = membersOf(payload, 2);
  const extended = readExtensions(extensions);
  if (accepted === undefined || paid === undefined || extended === undefined) return undefined;
  const authorization = readAuthorization(paid['authorization']);
  const signature = read(parseSignature, paid['signature']);
  if (authorization === undefined || signature === undefined) return undefined;
  const { network } = accepted;
  return { version: 2, network, accepted, authorization, signature, ...extended };
};

type Members = Readonly<Record<string, unknown>>;

/** Returns the members of a JSON object. With `count`, only if it has exactly that many: a reader that finds `count` known members then knows that there are no others. */
const membersOf = (value: unknown, count?: number): Members | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const members = value as Members;
  return count === undefined || countOf(members) === count ? members : undefined;
};

const countOf = (members: Members): number => {
  let count = 0;
  for (const _ in members) count += 1;
  return count;
};

const read = <T>(parse: (text: string) => T | undefined, value: unknown): T | undefined =>
  typeof value === 'string' ? parse(value) : undefined;

type Complete<T> = { readonly [Name in keyof T]: Exclude<T[Name], undefined> };

const isComplete = <T extends object>(fields: T): fields is T & Complete<T> => {
  for (const name in fields) if (fields[name] === undefined) return false;
  return true;
};

const isPlainResource = (value: unknown): boolean => {
  if (value === undefined) return true;
  const { url, description = '', mimeType = '' } = membersOf(value) ?? {};
  return (
    typeof url === 'string' &&
    url !== '' &&
    typeof description === 'string' &&
    description.length <= MAX_DESCRIPTION &&
    typeof mimeType === 'string' &&
    mimeType.length <= MAX_MIME_TYPE
  );
};

const readRequirement = (value: unknown): Requirement | undefined => {
  const members = membersOf(value, 7);
  const extra = members && membersOf(members['extra'], 2);
  if (extra === undefined || members?.['scheme'] !== 'exact') return undefined;
  const { maxTimeoutSeconds } = members;
  const { name, version } = extra;
  if (!isTimeout(maxTimeoutSeconds) || name === undefined || version === undefined)
    return undefined;
  const fields = {
    network: read(readNetwork, members['network']),
    amount: read(parseAmount, members['amount']),
    asset: read(parseAddress, members['asset']),
    payTo: read(parseAddress, members['payTo']),
  };
  return isComplete(fields)
    ? { scheme: 'exact', ...fields, maxTimeoutSeconds, extra: { name, version } }
    : undefined;
};

const readNetwork = (text: string): Network | undefined =>
  chainIdOf(text) === undefined ? undefined : (text as Network);

const readAuthorization = (value: unknown): Authorization | undefined => {
  const members = membersOf(value, 6);
  if (members === undefined) return undefined;
  const fields = {
    from: read(parseAddress, members['from']),
    to: read(parseAddress, members['to']),
    value: read(parseAmount, members['value']),
    validAfter: read(parseAmount, members['validAfter']),
    validBefore: read(parseAmount, members['validBefore']),
    nonce: read(parseBytes32, members['nonce']),
  };
  return isComplete(fields) ? fields : undefined;
};

type Extended = Pick<PaymentPayload, 'paymentIdentifier' | 'intent'>;

const NONE = {};

/** Reads the two extensions that a payment may use, among those that clients echo from the offer. */
const readExtensions = (value: unknown): Extended | undefined => {
  if (value === undefined) return NONE;
  const members = membersOf(value);
  if (members === undefined || countOf(members) > MAX_EXTENSIONS) return undefined;
  const identified = infoOf(members['payment-identifier']);
  const bound = infoOf(members['agent-intent']);
  if (identified === undefined || bound === undefined) return undefined;
  const paymentIdentifier = read(readIdentifier, identified['id']);
  const intent = readIntent(bound['intent']);
  if (('id' in identified && paymentIdentifier === undefined) || ('intent' in bound && !intent))
    return undefined;
  if (paymentIdentifier === undefined) return intent === undefined ? NONE : { intent };
  return intent === undefined ? { paymentIdentifier } : { paymentIdentifier, intent };
};

/** Returns `info` of an extension; empty if the payment lacks the extension, undefined if it is malformed. */
const infoOf = (extension: unknown): Members | undefined =>
  extension === undefined ? NONE : membersOf(membersOf(extension)?.['info']);

const readIdentifier = (text: string): string | undefined =>
  IDENTIFIER.test(text) ? text : undefined;

const readIntent = (value: unknown): AgentIntent | undefined => {
  const members = membersOf(value, 14);
  if (members === undefined) return undefined;
  // In the sequence of canonical JSON, in which the account logs them.
  const fields = {
    agent: read(parseAddress, members['agent']),
    asset: read(parseAddress, members['asset']),
    audience: read(upTo256, members['audience']),
    authority: read(parseBytes32, members['authority']),
    contentType: read(upTo256, members['contentType']),
    maxAmount: read(parseAmount, members['maxAmount']),
    method: read(upTo32, members['method']),
    nonce: read(parseBytes32, members['nonce']),
    payTo: read(parseAddress, members['payTo']),
    payloadDigest: read(parseBytes32, members['payloadDigest']),
    target: read(upTo4096, members['target']),
    tool: read(upTo64, members['tool']),
    validAfter: read(parseUint64, members['validAfter']),
    validBefore: read(parseUint64, members['validBefore']),
  };
  return isComplete(fields) ? fields : undefined;
};

const upTo32 = printableText(32);
const upTo64 = printableText(64);
const upTo256 = printableText(256);
const upTo4096 = printableText(4096);
