import type { Hex } from '../core/hex.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { FinalReport } from './call-report.ts';
import { CountersignError } from './errors.ts';

/** The facts about a call whose answer broke off. Amounts in atomic units. */
type Facts = {
  readonly call: Hex;
  readonly charged: bigint | undefined;
  readonly atMost: bigint;
  readonly final: () => Promise<FinalReport>;
  readonly cause: unknown;
};

/**
 * The error `answer_broken_off`, thrown where the caller reads the body: the connection broke within the answer. The call has run, and
 * another signature would be another call.
 */
export class AnswerBrokenOff extends CountersignError {
  declare readonly call: Hex;
  /** From the verified receipt, if it came before the break; otherwise undefined. */
  readonly charged: bigint | undefined;
  /** The most that the call can cost. */
  readonly atMost: bigint;
  readonly #final: () => Promise<FinalReport>;

  constructor({ call, charged, atMost, final, cause }: Facts) {
    super(
      'answer_broken_off',
      `The answer of the call ${call} broke off. ${
        charged === undefined
          ? `The server has not stated the charge: at most ${formatDollars(atMost)} (${atMost}).`
          : `The call was charged ${formatDollars(charged)} (${charged}).`
      }`,
      { call, cause },
    );
    this.charged = charged;
    this.atMost = atMost;
    this.#final = final;
  }

  /** The cost of the call, as `AgentReport.final`. */
  get final(): Promise<FinalReport> {
    return this.#final();
  }
}
