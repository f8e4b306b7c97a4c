import { denialWords, wordsOfRule } from './denial-words.ts';
import { everyOf, periodName } from './window.ts';

/** The prefix of a limit's name, by the author of the limit. */
const AUTHORS: Readonly<Record<string, string>> = {
  owner: 'by its owner',
  grant: 'by its grant',
};

/** A rule or a limit for people: `owner:window:day` is "per day, by its owner". */
export const ruleName = (rule: string): string => {
  const [prefix = ''] = rule.split(':');
  const author = AUTHORS[prefix];
  const bare = author === undefined ? rule : rule.slice(prefix.length + 1);
  const [, window] = /^window:(hour|day|month|[0-9]+s)$/.exec(bare) ?? [];
  const every = window === undefined ? undefined : everyOf(window);
  const name =
    every === undefined || every === 'lifetime'
      ? (wordsOfRule(bare)?.name ?? bare.replaceAll('_', ' '))
      : periodName(every);
  return author === undefined ? name : `${name}, ${author}`;
};

/** Whether the figures of a rule, or of a limit by its name (`owner:rate`), count calls; those of every other rule are amounts of money. */
export const countsCalls = (rule: string): boolean =>
  wordsOfRule(rule.replace(/^[a-z]+:/, ''))?.counts === 'calls';

/** The words of a filter by rule, even for an unknown rule, because the gateway may run a newer release. */
export const ruleWords = (chosen: string | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...new Set([...Object.keys(denialWords), ...(chosen === undefined ? [] : [chosen])])].map(
      (rule) => [rule, ruleName(rule)],
    ),
  );
