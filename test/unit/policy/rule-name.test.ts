import { describe, expect, it } from 'vitest';
import { ruleName, ruleWords } from '../../../src/policy/rule-name.ts';

describe('the filter by rule', () => {
  it('has a name of its own for every rule that denies calls', () => {
    const words = ruleWords(undefined);
    expect(Object.keys(words).length).toBeGreaterThan(29);
    expect(new Set(Object.values(words)).size).toBe(Object.keys(words).length);
  });

  it('keeps a chosen rule that it does not know', () => {
    expect(ruleWords('moon_phase')).toMatchObject({ moon_phase: 'moon phase' });
  });
});

it.each([
  ['owner:window:day', 'per day, by its owner'],
  ['grant:lifetime', 'in total, by its grant'],
  ['grant:window:86400s', 'per day, by its grant'],
  ['grant:window:604800s', 'per 7 days, by its grant'],
  ['grant:window:90s', 'per 90 seconds, by its grant'],
  ['rate', 'rate of calls'],
  ['some_new_rule', 'some new rule'],
])('names the limit %s in words', (rule, name) => expect(ruleName(rule)).toBe(name));
