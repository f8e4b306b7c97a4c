import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { ChaosStage, Standing } from './stage.ts';

/** Bounded waits, milliseconds. */
const SETTLE_MS = 60_000;
const LAST_MS = 120_000;
/** Alarms, two queues, three blocks. */
const STEP_MS = 12_000;
/** The longest that an account waits before it sends a message again, seconds. */
const RESEND = 300;
/** So much time passes at once, at most, seconds: soon after its end an authorization is looked at, or nobody knows whose fault it was. */
const STEP = 450;
/** After its end a released payment is looked at once more; three blocks make that final. */
const AFTERWARDS = 60;
const LOOK_MS = 1_500;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

const isClosed = ({ known, open, seq, exported }: Standing): boolean =>
  !known || (open === 0 && seq === exported);

const owesNothing = ({ known, purses }: Standing): boolean =>
  !known || Object.values(purses ?? {}).every(({ unsettled }) => unsettled === '0');

export type Resting = {
  readonly stage: ChaosStage;
  /** Whose payments nobody keeps from being settled. */
  readonly honest: readonly AccountId[];
  readonly others: readonly AccountId[];
  /** When authorizations end that may still be open, Unix seconds. */
  readonly ends: readonly number[];
  /** Lets so many seconds pass on the chain. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly say: (line: string) => void;
};

/**
 * Nothing goes wrong any more. First everything is settled that can be; then time passes, until every authorization has ended and
 * has been looked at once more. Each wait is bounded: what is still open then, the verdict will find.
 *
 * @returns what must not be.
 */
export const comeToRest = async (resting: Resting): Promise<readonly string[]> => {
  const { stage, honest, others, ends, pass, say } = resting;
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
  const why = `${unsettled} honest payers have payments that nobody settles`;
  const wrongs = unsettled === 0 ? [] : [why];
  say(unsettled === 0 ? 'all payments of honest payers are settled' : why);
  const last = Math.max(now, ...ends) + AFTERWARDS;
  // Nothing ends before the first of them does: that much may pass at once.
  let step = Math.min(...ends, last) + AFTERWARDS - now;
  for (;;) {
    const seconds = Math.max(AFTERWARDS, Math.ceil(step));
    await letPass(seconds);
    const isLast = now > last;
    const left = await until(isLast ? LAST_MS : STEP_MS, accounts, isClosed);
    say(`${seconds} seconds later: ${left} accounts have messages or alarms due`);
    if (left === 0 || isLast) return wrongs;
    step = STEP;
  }
};
