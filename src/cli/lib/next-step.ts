import type { ProblemBody } from '../../client/errors.ts';
import { wordsOfRule } from '../../policy/denial-words.ts';
import { formatDollars, parseAmount } from '../../protocol/amount.ts';
import { wordsOfProblem } from '../../protocol/problem/problem-words.ts';
import type { DeniedCommand } from '../../protocol/problem/words.ts';

/** The name of an account on this machine, as typed in a command; undefined if the account has none. */
export type NameOf = (account: string) => string | undefined;

/**
 * Returns the command that resolves a refusal of the gateway. The gateway's own hint is for programs: it names routes and fields. Undefined
 * if only that hint helps, e.g. to wait.
 */
export const nextStep = (
  code: string,
  problem: ProblemBody | undefined,
  nameOf: NameOf = () => undefined,
): string | undefined => {
  if (code === 'denied') {
    const rule = textIn(problem, 'rule');
    return wordsOfRule(rule ?? '')?.command?.(factsOf(problem, nameOf));
  }
  return wordsOfProblem(code)?.command;
};

const HOUR = 3_600;
const DAY = 24 * HOUR;

const factsOf = (problem: ProblemBody | undefined, nameOf: NameOf): DeniedCommand => {
  // Attack: the gateway chooses these texts, and the user pastes the command into a shell (CWE-78).
  const account = plain(textIn(problem, 'account')) ?? '<account>';
  const who = nameOf(account) ?? account.slice(account.lastIndexOf(':') + 1);
  const tool = plain(textIn(problem, 'tool')) ?? '<tool>';
  const [price = 0n, limit = 0n, spent = 0n, remaining = 0n] = [
    ...['price', 'limit', 'spent', 'remaining'],
  ].map((name) => parseAmount(textIn(problem, name) ?? ''));
  const forCall = `--tools ${tool} --total ${dollars(price)}`;
  const ofGrant = textIn(problem, 'grant') !== undefined;
  const window = problem?.['window'];
  return {
    ...{ who, tool, forCall, ofGrant },
    widen: (option) =>
      ofGrant
        ? `its owner signs a grant for this call alone, which the call names with --grant: \`countersign grant ${who} ${forCall} --beside\``
        : `its owner changes its policy: \`countersign policy set ${who} ${option}\``,
    price: dollars(price),
    needed: dollars(limit - remaining + price),
    missing: dollars(textIn(problem, 'rule') === 'debt' ? spent : price - remaining),
    perWindow: window === HOUR ? '--per-hour' : window === DAY ? '--per-day' : '--per-month',
    isAgent: textIn(problem, 'authority') !== undefined,
    isTopUp: tool === 'countersign.credits',
    mayWait: problem?.['retry_after'] !== undefined,
  };
};

const plain = (text: string | undefined): string | undefined =>
  text !== undefined && /^\w[\w.:-]{0,127}$/.test(text) ? text : undefined;

/** Formats an amount for an option: without the dollar sign, which a shell would expand. */
const dollars = (amount: bigint): string => formatDollars(amount).replace('$', '');

const textIn = (problem: ProblemBody | undefined, member: string): string | undefined => {
  const value = problem?.[member];
  return typeof value === 'string' ? value : undefined;
};
