import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { CommandIntent } from '../../../src/protocol/account/command.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { type Noun, put, remove } from '../../store/noun.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import { isDurable } from '../../store/decision.ts';
import type { AccountState } from '../state.ts';
import { exists } from '../tree/ancestors.ts';

/** An applied command, kept while its intent could be sent again. */
export type AppliedCommand = {
  readonly digest: Hex;
  readonly attempt: Hex;
  readonly until: Seconds;
  /** JSON of the answer. */
  readonly answer: string;
};

export const APPLIED_COMMAND: Noun<AppliedCommand, 'until'> = {
  name: 'command',
  key: ({ digest }) => digest,
  encode: JSON.stringify,
  decode: (text) => JSON.parse(text) as AppliedCommand,
  fields: { until: ({ until }) => until },
};

/** The clocks of the gateway and of the account may differ by less than this. */
const CLOCK_GRACE: Seconds = 60;
/** Intents are valid for 300 s at most. */
const INTENT_LIFE: Seconds = 300;

/**
 * Applies a command once for each signed intent: a second request with the same intent changes nothing, and the runtime's retry of the
 * first request gets the first answer. Refusals count too: a captured intent must not succeed later, when the reason for the refusal is
 * gone.
 *
 * @param most while the account remembers this many commands, it applies no more.
 */
export const once = (
  state: AccountState,
  { digest, attempt, validBefore }: CommandIntent,
  { now, read }: Pick<Context, 'now' | 'read'>,
  decide: () => Decision<CommandVerdict>,
  most: number,
): Decision<CommandVerdict> => {
  if (digest === undefined || attempt === undefined) return decide();
  const until = (validBefore ?? now + INTENT_LIFE) + CLOCK_GRACE;
  // The account may have forgotten it already.
  if (until <= now) return unstored(state, USED);
  const known = read.get(APPLIED_COMMAND, digest);
  if (known !== undefined) {
    return unstored(state, known.attempt === attempt ? answerOf(known) : USED);
  }
  if (most < Infinity && read.count(APPLIED_COMMAND, { where: [['until', '>', now]] }) >= most) {
    return unstored(state, { verdict: 'unavailable' });
  }
  const decision = decide();
  const { verdict } = decision;
  // A refusal creates no account (law 12).
  if (verdict.verdict === 'unavailable' || !(isDurable(decision) || exists(state))) return decision;
  const command = { digest, attempt, until, answer: answerText(verdict) };
  const ended = [...read.find(APPLIED_COMMAND, { where: [['until', '<=', now]] })];
  const writes = [
    ...ended.map((each) => remove(APPLIED_COMMAND, each.digest)),
    put(APPLIED_COMMAND, command),
  ];
  return { ...decision, writes: [...decision.writes, ...writes] };
};

const USED: CommandVerdict = { verdict: 'refused', fault: { reason: 'already_used' } };

const answerText = (verdict: CommandVerdict): string =>
  JSON.stringify(
    verdict.verdict === 'applied' && verdict.credit !== undefined
      ? { ...verdict, credit: verdict.credit.toString() }
      : verdict,
  );

const answerOf = ({ answer }: AppliedCommand): CommandVerdict => {
  const { credit, ...verdict } = JSON.parse(answer) as CommandVerdict & {
    readonly credit?: string;
  };
  return credit === undefined
    ? verdict
    : ({ ...verdict, credit: BigInt(credit) } as CommandVerdict);
};
