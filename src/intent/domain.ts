import * as z from 'zod/mini';
import { recent } from '../core/recent.ts';
import { stringWord, structHash, uintWord } from '../crypto/typed-data.ts';
import { reading } from '../crypto/wire-fields.ts';

const DOMAIN = stringWord('EIP712Domain(string name,string version,uint256 chainId)');
const NAME = stringWord('Countersign');
const VERSION = stringWord('1');
const KEPT_DOMAINS = 64;

/** The domain separator of everything of ours that is signed: intents, delegations, revocations (design §4.1). */
export const domainWord = recent(
  KEPT_DOMAINS,
  (chainId: number) => chainId,
  (chainId: number) => structHash(DOMAIN, NAME, VERSION, uintWord(BigInt(chainId))),
);

const CHAIN_ID = /^[1-9][0-9]{0,15}$/;
const CHAIN_ID_HINT = 'must be a chain id: a positive integer, or that as a decimal string';

/** The chain that chooses the domain, as a number or a decimal string. */
export const chainId = reading<number | string, number>(
  z.union([z.number(), z.string()], CHAIN_ID_HINT),
  CHAIN_ID_HINT,
  (value) => {
    const text = String(value);
    const id = Number(text);
    return CHAIN_ID.test(text) && Number.isSafeInteger(id) ? id : undefined;
  },
);
