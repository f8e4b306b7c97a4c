import * as z from 'zod/mini';
import { memoize } from '../../core/bounded-map.ts';
import { structHash, uintWord, type Word } from '../../crypto/typed-data.ts';
import { reading } from '../wire-fields.ts';

/** `EIP712Domain(string name,string version,uint256 chainId)` */
const DOMAIN: Word = 'c2f8787176b8ac6bf7215b4adcc1e069bf4ab82d9ab1df05a57a91d425935b6e';
/** Keccak-256 of `Countersign` and of `1`. */
const NAME: Word = 'e5deb2cdfef7978b1aa63d8aa400a77ec8e20d846869151617ce0fb29caf03e1';
const VERSION: Word = 'c89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6';
const KEPT_DOMAINS = 64;

/** The EIP-712 domain separator of intents, delegations and revocations on a chain (docs/wire-format.md §2). */
export const domainWord = memoize(
  KEPT_DOMAINS,
  (chainId: number) => chainId,
  (chainId: number) => structHash(DOMAIN, NAME, VERSION, uintWord(BigInt(chainId))),
);

const CHAIN_ID = /^[1-9][0-9]{0,15}$/;
const CHAIN_ID_HINT = 'must be a chain id: a positive integer, or that as a decimal string';

/** The chain id of a signing domain: a number or a decimal string. */
export const chainId = reading<unknown, number>(z.unknown(), CHAIN_ID_HINT, (value) => {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const text = String(value);
  const id = Number(text);
  return CHAIN_ID.test(text) && Number.isSafeInteger(id) ? id : undefined;
});
