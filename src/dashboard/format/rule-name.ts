import { worded } from './text.ts';

/** Rules and limits for people, by their names on the wire (docs/policy.md). */
const NAMES: Readonly<Record<string, string>> = {
  'window:hour': 'per hour',
  'window:day': 'per day',
  'window:month': 'per month',
  window: 'limit of a period',
  lifetime: 'in total',
  per_call: 'per call',
  rate: 'number of calls',
  repeat: 'same request again',
  exposure: 'not settled yet',
  tool: 'tool not allowed',
  payee: 'payee not allowed',
  asset: 'asset not allowed',
  not_yet: 'not valid yet',
  approval: 'needs approval',
};

/** The prefix of a limit's name says who set it. */
const AUTHORS: Readonly<Record<string, string>> = {
  owner: 'by its owner',
  grant: 'by its grant',
};

/** A rule or a limit in words: `owner:window:day` is "per day, by its owner". */
export const ruleName = (rule: string): string => {
  const [prefix = ''] = rule.split(':');
  const author = AUTHORS[prefix];
  const bare = author === undefined ? rule : rule.slice(prefix.length + 1);
  const [, seconds] = /^window:([0-9]+)s$/.exec(bare) ?? [];
  const name = seconds === undefined ? (NAMES[bare] ?? worded(bare)) : `per ${seconds} seconds`;
  return author === undefined ? name : `${name}, ${author}`;
};
