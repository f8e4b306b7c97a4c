import type { Hex } from '../core/hex.ts';
import type { KnownCredit } from './credit.ts';
import type { Budget } from './budget.ts';
import { CountersignError } from './errors.ts';
import type { Sender } from './exchange.ts';
import type { Memory } from './memory.ts';
import type { Rules } from './offer-choice.ts';
import type { ReceiptKeys } from './receipt-keys.ts';
import type { Signer } from './signer.ts';

/** The state that all calls of one agent share. */
export type AgentContext = Sender & {
  readonly signer: Signer;
  /** Digest of the grant that calls are made under; zero lets the gateway choose. */
  readonly authority: Hex;
  readonly rules: Rules;
  /** Origins that the agent may sign for, besides the origin that it calls. */
  readonly audiences: ReadonlySet<string>;
  readonly budget: Budget;
  readonly credit: KnownCredit;
  readonly memory: Memory;
  readonly keys: ReceiptKeys;
};

/**
 * Rejects an audience that is neither the called origin nor one of the caller's `audiences`: a malicious server could use a signature
 * for another gateway there (CWE-441).
 *
 * @throws CountersignError `audience_mismatch`
 */
export const requireAudience = (
  { audiences }: Pick<AgentContext, 'audiences'>,
  origin: string,
  audience: string,
  response: Response,
): void => {
  if (audience === origin || audiences.has(audience)) return;
  throw new CountersignError(
    'audience_mismatch',
    `${origin} requests a signature for ${JSON.stringify(audience)}.`,
    { response },
  );
};
