import { describe, expect, it } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { pageHint } from '../../../../src/dashboard/format/page-hint.ts';
import { ruleWords } from '../../../../src/policy/rule-name.ts';
import { problemOf } from '../../../../src/protocol/problem/reason.ts';
import { all, denialOf, denied } from '../../protocol/problem/examples.ts';

/** A time in the current year: times of other years show the year. */
const NOW = Date.parse(`${new Date(nowSeconds() * 1000).getUTCFullYear()}-11-28T15:30:10Z`) / 1000;
/** Names that only programs need: a member of an answer, a route, a header, or a name in code. */
const FOR_PROGRAMS =
  /`|_|\b(?:GET|POST|PUT|DELETE) |\b[A-Z][A-Za-z]+-[A-Z]|SIGNATURE|\b[a-z]+[A-Z]/;

const hintOf = (...[reason]: Parameters<typeof problemOf>): string =>
  pageHint(problemOf(reason).members, NOW);

describe('the hint of a page', () => {
  it.each(all.map(([, reason]) => reason))('for $reason names nothing for programs', (reason) => {
    const hint = hintOf(reason);
    expect(hint).toMatch(/^[A-Z].{10,}\.$/);
    expect(hint).not.toMatch(FOR_PROGRAMS);
  });

  it.each(Object.keys(ruleWords(undefined)) as Lowercase<string>[])(
    'for a denial by %s names nothing for programs',
    (rule) => {
      for (const wait of [{}, { retryAllowed: true, retryAfter: 45 }]) {
        const hint = hintOf(denied(denialOf(rule, wait)));
        expect(hint).toMatch(/^[A-Z].{10,}\.$/);
        expect(hint).not.toMatch(FOR_PROGRAMS);
        expect(hint).not.toContain('about this rule');
      }
    },
  );

  it('says how long to wait, and until when', () => {
    const rate = (retryAfter: number) =>
      hintOf(denied(denialOf('window', { retryAllowed: true, retryAfter })));
    expect(rate(45)).toBe('Wait 45 s, then try again.');
    expect(rate(720)).toBe('Wait until 15:43 (12 min from now), then try again.');
    expect(rate(86_400 * 3)).toBe('Wait until 1 Dec, 15:31 (3 days from now), then try again.');
    expect(hintOf(denied(denialOf('window')))).toMatch(/^Waiting does not help/);
  });

  it('has a next step for a problem of a newer release', () => {
    expect(pageHint({ type: 'urn:countersign:problem:new', hint: 'Read `x`.' }, NOW)).toMatch(
      /^Reload the page/,
    );
  });
});
