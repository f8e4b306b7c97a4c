import { worded } from './text.ts';

/** Every rule that denies calls, by its name on the wire: of policies, of their standing, and of the account itself. */
const RULES = [
  ...['per_call', 'window', 'lifetime', 'exposure', 'rate', 'repeat', 'tool', 'payee', 'asset'],
  ...['deny', 'require', 'binding', 'validity', 'not_yet', 'expired', 'approval'],
  ...['approval_queue', 'paused', 'frozen', 'revoked'],
  ...['balance', 'credit', 'debt', 'suspended', 'penniless', 'nonce_used', 'authority'],
  ...['unreachable', 'denial_rate', 'failure_rate'],
] as const;

export type RuleOnWire = (typeof RULES)[number];

/** Rules and limits for people, by their names on the wire (docs/policy.md). */
const NAMES: Readonly<Record<string, string>> = {
  'window:hour': 'per hour',
  'window:day': 'per day',
  'window:month': 'per month',
  window: 'limit of a period',
  lifetime: 'in total',
  per_call: 'per call',
  rate: 'rate of calls',
  repeat: 'same request again',
  exposure: 'not settled yet',
  tool: 'tool not allowed',
  payee: 'payee not allowed',
  asset: 'asset not allowed',
  not_yet: 'not valid yet',
  deny: 'forbidden by a condition',
  require: 'a condition is not met',
  binding: 'without an intent',
  validity: 'valid for too long',
  approval: 'needs approval',
  approval_queue: 'too many wait for approval',
  balance: 'balance too low',
  credit: 'credit too low',
  penniless: 'no money',
  nonce_used: 'nonce used before',
  authority: 'no such grant',
  unreachable: 'an owner did not answer',
  denial_rate: 'too many denials',
  failure_rate: 'too many failures',
};

/** The prefix of a limit's name says who set it. */
const AUTHORS: Readonly<Record<string, string>> = {
  owner: 'by its owner',
  grant: 'by its grant',
};

const LENGTHS: Readonly<Record<number, string>> = {
  1: 'second',
  60: 'minute',
  3600: 'hour',
  86400: 'day',
};

/** A period of so many seconds in words: 86400 is "per day". */
export const periodName = (seconds: number): string => {
  const length = LENGTHS[seconds];
  if (length !== undefined) return `per ${length}`;
  return seconds % 86_400 === 0 ? `per ${seconds / 86_400} days` : `per ${seconds} seconds`;
};

/** A rule or a limit in words: `owner:window:day` is "per day, by its owner". */
export const ruleName = (rule: string): string => {
  const [prefix = ''] = rule.split(':');
  const author = AUTHORS[prefix];
  const bare = author === undefined ? rule : rule.slice(prefix.length + 1);
  const [, seconds] = /^window:([0-9]+)s$/.exec(bare) ?? [];
  const name = seconds === undefined ? (NAMES[bare] ?? worded(bare)) : periodName(Number(seconds));
  return author === undefined ? name : `${name}, ${author}`;
};

/** The words of a filter by rule: also of one that this page does not know, because the gateway may run a newer release. */
export const ruleWords = (chosen: string | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...new Set([...RULES, ...(chosen === undefined ? [] : [chosen])])].map((rule) => [
      rule,
      ruleName(rule),
    ]),
  );
