import { setTimeout as pause } from 'node:timers/promises';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { ChaosStage, Standing } from './stage.ts';

/** The longest waits, milliseconds. */
const SETTLE_MS = 60_000;
const LAST_MS = 120_000;
/** Time for alarms, two queues and three blocks. */
const STEP_MS = 12_000;
/** Payments of hostile payers may stay open. */
const OTHERS_MS = 10_000;
/** The longest backoff of an account's messages, seconds. */
const RESEND = 300;
/**
 * The longest step of the clock, in seconds. The gateway must observe an authorization soon after it ends to attribute a failure to the
 * payer or to itself.
 */
const STEP = 450;
/** Seconds after an authorization's end: the gateway observes released payments once more, and three blocks make the observation final. */
const AFTERWARDS = 60;
const LOOK_MS = 1_500;

const isClosed = ({ known, open, seq, exported }: Standing): boolean =>
  !known || (open === 0 && seq === exported);

const owesNothing = ({ known, purses }: Standing): boolean =>
  !known || Object.values(purses ?? {}).every(({ unsettled }) => unsettled === '0');

export type DrainOptions = {
  readonly stage: ChaosStage;
  /** Accounts whose payers do nothing to prevent settlement. */
  readonly honest: readonly AccountId[];
  readonly others: readonly AccountId[];
  /** `validBefore` of authorizations that may still be open, Unix seconds. */
  readonly ends: readonly number[];
  /** Moves the chain's clock forward. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly print: (line: string) => void;
};

/**
 * Waits without faults until all honest payments have settled, then moves the clock until every authorization has ended and the
 * gateway has observed it once more. Each wait is bounded: the checks report what is still open afterwards.
 *
 * @returns the violations it saw.
 */
export const drain = async (resting: DrainOptions): Promise<readonly string[]> => {
  const { stage, honest, others, ends, pass, print } = resting;
  const accounts = [...honest, ...others];
  const until = async (
    milliseconds: number,
    ids: readonly AccountId[],
    holds: (standing: Standing) => boolean,
  ): Promise<number> => {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const standings = await stage.control({ accounts: ids }).catch(() => undefined);
      const left = standings?.filter((standing) => !holds(standing)).length ?? ids.length;
      if (left === 0 || Date.now() > deadline) return left;
      await pause(LOOK_MS);
    }
  };
  let now = Date.now() / 1000;
  const letPass = async (seconds: number): Promise<void> => {
    await pass(seconds);
    await stage.control({ pass: seconds, accounts });
    now += seconds;
  };
  if ((await until(SETTLE_MS, honest, owesNothing)) > 0) await letPass(RESEND);
  const unsettled = await until(LAST_MS, honest, owesNothing);
  // A slow machine may not have presented their payments yet, which would end unseen when the clock moves.
  await until(OTHERS_MS, others, owesNothing);
  const why = `${unsettled} honest payers have payments that the gateway does not settle`;
  const violations = unsettled === 0 ? [] : [why];
  print(unsettled === 0 ? 'all payments of honest payers are settled' : why);
  const last = Math.max(now, ...ends) + AFTERWARDS;
  // No authorization ends before the earliest one, so the first step may be that long.
  let step = Math.min(...ends, last) + AFTERWARDS - now;
  for (;;) {
    const seconds = Math.max(AFTERWARDS, Math.ceil(step));
    await letPass(seconds);
    const isLast = now > last;
    const left = await until(isLast ? LAST_MS : STEP_MS, accounts, isClosed);
    print(`${seconds} seconds later: ${left} accounts have open calls or entries to export`);
    if (left === 0 || isLast) return violations;
    step = STEP;
  }
};
