import type { Address, Hex } from '../../core/hex.ts';
import { addressWord, amountWord } from '../chain/token-calls.ts';
import type { Pending } from './pending.ts';

/** Where Multicall3 lives on every chain that has it. */
export const MULTICALL3: Address = '0xca11bde05977b3631167028862be2a173976ca11';

/** Selectors; a test derives them again from their signatures. */
const TRANSFER_VRS = 'e3ee160e';
const TRANSFER_BYTES = 'cf092995';
const AGGREGATE3 = '82ad56cb';

const WORD = 64;
const ECDSA_DIGITS = 2 + 130;

/** A call of a contract, without its sender. */
export type ContractCall = { readonly to: Address; readonly data: Hex };

/** Who answers for a payer's signature: its key, or the code of its account. */
export type Payer = 'key' | 'contract';

const word = (value: bigint | number): string => amountWord(BigInt(value)).slice(2);

const bytes = (digits: string): string =>
  word(digits.length / 2) + digits.padEnd(Math.ceil(digits.length / WORD) * WORD, '0');

/** `transferWithAuthorization` of EIP-3009; for signatures that code checks, FiatToken 2.2's overload with bytes. */
export const transferData = (
  { authorization, signature }: Pick<Pending, 'authorization' | 'signature'>,
  payer: Payer,
): Hex => {
  const fields = [
    addressWord(authorization.from).slice(2),
    addressWord(authorization.to).slice(2),
    word(authorization.value),
    word(authorization.validAfter),
    word(authorization.validBefore),
    authorization.nonce.slice(2),
  ].join('');
  if (payer === 'contract' || signature.length !== ECDSA_DIGITS) {
    return `0x${TRANSFER_BYTES}${fields}${word(7 * 32)}${bytes(signature.slice(2))}`;
  }
  const r = signature.slice(2, 66);
  const s = signature.slice(66, 130);
  return `0x${TRANSFER_VRS}${fields}${word(Number(`0x${signature.slice(130)}`))}${r}${s}`;
};

/** One transaction of many calls, each of which may fail alone (`aggregate3` with allowFailure). */
export const aggregate = (calls: readonly ContractCall[]): ContractCall => {
  const elements = calls.map(
    ({ to, data }) => addressWord(to).slice(2) + word(1) + word(3 * 32) + bytes(data.slice(2)),
  );
  let offset = elements.length * 32;
  const offsets = elements.map((element) => {
    const own = word(offset);
    offset += element.length / 2;
    return own;
  });
  return {
    to: MULTICALL3,
    data: `0x${AGGREGATE3}${word(32)}${word(calls.length)}${offsets.join('')}${elements.join('')}`,
  };
};

/** Which calls of an `aggregate3` succeeded; undefined when the answer is none to so many calls. */
export const aggregated = (answer: Hex, calls: number): readonly boolean[] | undefined => {
  const digits = answer.slice(2);
  const numberAt = (at: number): number | undefined => {
    const text = digits.slice(at * 2, at * 2 + WORD);
    const value = text.length === WORD ? BigInt(`0x${text}`) : undefined;
    return value !== undefined && value <= BigInt(digits.length) ? Number(value) : undefined;
  };
  const list = numberAt(0);
  if (list === undefined || numberAt(list) !== calls) return undefined;
  const flags = Array.from({ length: calls }, (_, index) => {
    const offset = numberAt(list + 32 + index * 32);
    return offset === undefined ? undefined : numberAt(list + 32 + offset);
  });
  return flags.every((flag) => flag === 0 || flag === 1)
    ? flags.map((flag) => flag === 1)
    : undefined;
};
